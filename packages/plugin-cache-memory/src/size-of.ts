/** About what an object costs beside its content. */
const OBJECT_BYTES = 40;
const NUMBER_BYTES = 8;

/** About how many bytes a value takes in memory; more than `most` is not counted any further. */
export function sizeOf(value: unknown, most: number = Number.POSITIVE_INFINITY): number {
  if (typeof value === "string") return OBJECT_BYTES + value.length * 2;
  if (typeof value !== "object" || value === null) return NUMBER_BYTES;
  if (ArrayBuffer.isView(value)) return OBJECT_BYTES + value.byteLength;
  let bytes = OBJECT_BYTES;
  const members: readonly unknown[] = Array.isArray(value) ? value : Object.values(value);
  for (const member of members) {
    bytes += NUMBER_BYTES + (typeof member === "number" ? 0 : sizeOf(member, most - bytes));
    if (bytes > most) break;
  }
  return bytes;
}
