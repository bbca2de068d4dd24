import { promisify } from "node:util";
import { constants, deflateRaw, inflateRaw, inflateRawSync } from "node:zlib";

const RAW = 0;
const DEFLATED = 1;
/** Up to here unpacking takes less than handing it to another thread. */
const SYNC_BYTES = 16_384;
/** What is unpacked is never larger: somebody else may write to Redis too. */
const MOST_BYTES = 64 * 1_048_576;

const deflate = promisify(deflateRaw);
const inflate = promisify(inflateRaw);

/** Bytes with one in front that says how to read them. */
export async function pack(bytes: Buffer, compressFrom: number): Promise<Buffer> {
  if (bytes.length < compressFrom) return Buffer.concat([Buffer.of(RAW), bytes]);
  return Buffer.concat([Buffer.of(DEFLATED), await deflate(bytes, { level: constants.Z_BEST_SPEED })]);
}

/** @throws {Error} for bytes that `pack` has not written */
export async function unpack(packed: Buffer): Promise<Buffer> {
  const bytes = packed.subarray(1);
  if (packed[0] === RAW) return bytes;
  if (packed[0] !== DEFLATED) throw new Error("these bytes were not written by this cache");
  const options = { maxOutputLength: MOST_BYTES };
  return bytes.length <= SYNC_BYTES ? inflateRawSync(bytes, options) : await inflate(bytes, options);
}
