import type { Recording } from "./cache.ts";

/** Stands where a value is that JSON has no words for. Data that looks like one is wrapped itself. */
const TAG = "$signalbox";

/** A recording as bytes, for stores outside of the process. Bytes, vectors and big integers stay what they are. */
export function encodeRecording(recording: Recording): Buffer {
  return Buffer.from(JSON.stringify(pack(recording)));
}

/** @throws {SyntaxError} when the bytes are no recording of this form */
export function decodeRecording(bytes: Uint8Array): Recording {
  const value = unpack(JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8")));
  const { operation, storedAt, result } = (value ?? {}) as Partial<Recording>;
  if (typeof operation !== "string" || typeof storedAt !== "number" || typeof result !== "object") {
    throw new SyntaxError("these bytes are no recording");
  }
  return value as Recording;
}

function pack(value: unknown): unknown {
  if (typeof value === "bigint") return { [TAG]: ["bigint", value.toString()] };
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return isPlain(value) ? value : value.map(pack);
  if (ArrayBuffer.isView(value)) {
    const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    return { [TAG]: [value instanceof Float32Array ? "floats" : "bytes", bytes.toString("base64")] };
  }
  const packed: Record<string, unknown> = {};
  for (const [name, member] of Object.entries(value)) packed[name] = pack(member);
  return Object.hasOwn(packed, TAG) ? { [TAG]: ["object", packed[TAG], { ...packed, [TAG]: undefined }] } : packed;
}

function isPlain(list: readonly unknown[]): boolean {
  return list.every((item) => typeof item === "number" || typeof item === "string");
}

function unpack(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return isPlain(value) ? value : value.map(unpack);
  const members = value as Record<string, unknown>;
  if (Object.hasOwn(members, TAG)) return special(members[TAG] as readonly unknown[]);
  for (const name of Object.keys(members)) members[name] = unpack(members[name]);
  return members;
}

function special([kind, first, rest]: readonly unknown[]): unknown {
  if (kind === "bigint") return BigInt(first as string);
  if (kind === "object") return { ...(unpack(rest) as object), [TAG]: unpack(first) };
  const bytes = Buffer.from(first as string, "base64");
  // a copy, since floats must begin at a multiple of four
  return kind === "floats" ? new Float32Array(new Uint8Array(bytes).buffer) : bytes;
}
