const HEAD_BYTES = 20;
const STEPS = 127;

/** A vector in a byte for each dimension, and when its answer was added and ends. */
export interface PackedVector {
  /** Epoch milliseconds. */
  readonly addedAt: number;
  readonly expiresAt: number;
  readonly dimensions: number;
  /** The dot product with a vector of the same dimension. */
  product(vector: Float32Array): number;
}

export function packVector(vector: Float32Array, addedAt: number, expiresAt: number): Buffer {
  let largest = 0;
  for (const each of vector) largest = Math.max(largest, Math.abs(each));
  const scale = largest === 0 ? 1 : largest / STEPS;
  const bytes = Buffer.allocUnsafe(HEAD_BYTES + vector.length);
  bytes.writeDoubleLE(addedAt, 0);
  bytes.writeDoubleLE(expiresAt, 8);
  bytes.writeFloatLE(scale, 16);
  for (let at = 0; at < vector.length; at++)
    bytes.writeInt8(Math.round((vector[at] as number) / scale), HEAD_BYTES + at);
  return bytes;
}

/** Whether two vectors are the same in their bytes, whenever they were added. */
export function sameVector(one: Buffer, other: Buffer): boolean {
  return one.subarray(HEAD_BYTES - 4).equals(other.subarray(HEAD_BYTES - 4));
}

/** Undefined for bytes that `packVector` has not written. */
export function unpackVector(bytes: Buffer): PackedVector | undefined {
  if (bytes.length <= HEAD_BYTES) return undefined;
  const steps = new Int8Array(bytes.buffer, bytes.byteOffset + HEAD_BYTES, bytes.length - HEAD_BYTES);
  const scale = bytes.readFloatLE(16);
  return {
    addedAt: bytes.readDoubleLE(0),
    expiresAt: bytes.readDoubleLE(8),
    dimensions: steps.length,
    product(vector) {
      let sum = 0;
      for (let at = 0; at < steps.length; at++) sum += (steps[at] as number) * (vector[at] as number);
      return sum * scale;
    },
  };
}

/** An answer with its vector, each number as it was: what is told about likeness is exact. */
export function packAnswer(vector: Float32Array, recording: Uint8Array): Buffer {
  const head = Buffer.allocUnsafe(4);
  head.writeUInt32LE(vector.length, 0);
  return Buffer.concat([head, Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength), recording]);
}

/** @throws {RangeError} for bytes that `packAnswer` has not written */
export function unpackAnswer(bytes: Buffer): { readonly vector: Float32Array; readonly recording: Buffer } {
  const end = 4 + bytes.readUInt32LE(0) * 4;
  if (end > bytes.length) throw new RangeError("these bytes are no answer");
  return { vector: new Float32Array(new Uint8Array(bytes.subarray(4, end)).buffer), recording: bytes.subarray(end) };
}
