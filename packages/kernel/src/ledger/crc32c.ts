/** The Castagnoli polynomial, bits reversed. */
const POLYNOMIAL = 0x82f6_3b78;
/** Four bytes at a time: for each of them, what it does to the sum when so many others follow. */
const [LAST, THIRD, SECOND, FIRST]: readonly [Int32Array, Int32Array, Int32Array, Int32Array] = makeTables();

function makeTables(): readonly [Int32Array, Int32Array, Int32Array, Int32Array] {
  const tables = [new Int32Array(256), new Int32Array(256), new Int32Array(256), new Int32Array(256)] as const;
  const [last] = tables;
  for (let byte = 0; byte < 256; byte++) {
    let value = byte;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ POLYNOMIAL : value >>> 1;
    last[byte] = value;
  }
  for (let byte = 0; byte < 256; byte++) {
    let value = last[byte] as number;
    for (const table of tables.slice(1)) {
      value = (last[value & 0xff] as number) ^ (value >>> 8);
      table[byte] = value;
    }
  }
  return tables;
}

/** CRC-32C (RFC 3720, appendix B.4) of a part of some bytes. */
export function crc32c(bytes: Uint8Array, from: number = 0, to: number = bytes.length): number {
  let crc = -1;
  let at = from;
  for (const end = to - 3; at < end; at += 4) {
    crc ^=
      (bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24);
    crc =
      (FIRST[crc & 0xff] as number) ^
      (SECOND[(crc >>> 8) & 0xff] as number) ^
      (THIRD[(crc >>> 16) & 0xff] as number) ^
      (LAST[crc >>> 24] as number);
  }
  for (; at < to; at++) crc = (LAST[(crc ^ (bytes[at] as number)) & 0xff] as number) ^ (crc >>> 8);
  return ~crc >>> 0;
}
