import { crc32c } from "./crc32c.ts";

/** CRC-32C over all that follows, length of the payload, payload. Both numbers in 32 bits, little-endian. */
const HEAD_BYTES = 8;
/** Of UTF-8, for one unit of UTF-16. */
const MOST_BYTES_PER_UNIT = 3;
/** A length beyond this is damage. */
const MAXIMUM_PAYLOAD_BYTES = 64 * 1_048_576;

/** A payload, framed: damage to any of its bytes can be told. */
export function frameRecord(payload: string): Buffer {
  const length = Buffer.byteLength(payload);
  const frame = Buffer.allocUnsafe(HEAD_BYTES + length);
  frame.writeUInt32LE(length, 4);
  frame.write(payload, HEAD_BYTES);
  frame.writeUInt32LE(crc32c(frame, 4), 0);
  return frame;
}

/** The most bytes that a framed payload can have. */
export function mostFrameBytes(payload: string): number {
  return HEAD_BYTES + payload.length * MOST_BYTES_PER_UNIT;
}

/** What `frameRecord` answers, written into a buffer with room for it; answers where it ends. */
export function writeFrame(payload: string, into: Buffer, at: number): number {
  const length = into.write(payload, at + HEAD_BYTES);
  const end = at + HEAD_BYTES + length;
  into.writeUInt32LE(length, at + 4);
  into.writeUInt32LE(crc32c(into, at + 4, end), at);
  return end;
}

/** The payloads of a segment up to the first damaged one, and how many bytes are good. */
export interface FramedRecords {
  readonly payloads: readonly string[];
  /** Less than the segment has: its tail is torn or damaged. */
  readonly goodBytes: number;
}

/** Reads a segment. What comes after the first damaged record cannot be trusted: its beginning is not known. */
export function readFrames(segment: Buffer): FramedRecords {
  const payloads: string[] = [];
  let at = 0;
  while (segment.length - at > HEAD_BYTES) {
    const length = segment.readUInt32LE(at + 4);
    const end = at + HEAD_BYTES + length;
    if (length === 0 || length > MAXIMUM_PAYLOAD_BYTES || end > segment.length) break;
    if (crc32c(segment, at + 4, end) !== segment.readUInt32LE(at)) break;
    payloads.push(segment.toString("utf8", at + HEAD_BYTES, end));
    at = end;
  }
  return { payloads, goodBytes: at };
}
