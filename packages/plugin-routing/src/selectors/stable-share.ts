const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;
const TWO_TO_32 = 0x1_0000_0000;

/** Goes on with a 32-bit FNV-1a hash over the UTF-16 code units of a text, low byte first. */
function fnv(text: string, from: number): number {
  let hash = from;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    hash = Math.imul(hash ^ (unit & 0xff), FNV_PRIME);
    hash = Math.imul(hash ^ (unit >>> 8), FNV_PRIME);
  }
  return hash;
}

/** MurmurHash3's last step: every bit of the input changes half of the bits of the output. */
function mixed(hash: number): number {
  let bits = hash ^ (hash >>> 16);
  bits = Math.imul(bits, 0x85ebca6b);
  bits ^= bits >>> 13;
  bits = Math.imul(bits, 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}

/** What a salt adds to every subject, worked out once. */
export function saltOf(salt: string): number {
  // a unit between the two, so that "a" + "bc" and "ab" + "c" differ
  return fnv("\u0000", fnv(salt, FNV_OFFSET));
}

/**
 * A subject's place in [0, 1): the same in every process, at any time, and evenly spread over many subjects. Another
 * salt gives another, independent place.
 */
export function stableShare(subject: string, salt: number): number {
  return mixed(fnv(subject, salt)) / TWO_TO_32;
}
