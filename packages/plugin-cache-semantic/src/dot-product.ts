/** Of vectors of the length 1: their cosine. Vectors of another model have another dimension, and nothing in common. */
export function dotProduct(one: Float32Array, other: Float32Array): number {
  if (one.length !== other.length) return Number.NEGATIVE_INFINITY;
  let sum = 0;
  for (let at = 0; at < one.length; at++) sum += (one[at] as number) * (other[at] as number);
  return sum;
}
