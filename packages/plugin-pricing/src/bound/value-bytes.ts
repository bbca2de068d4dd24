/** What a member of a JSON value adds besides its text: quotes, comma, colon, escapes of a line end. */
const AROUND = 6;
/** The longest a number, a boolean or null is. */
const PLAIN = 25;

/** An upper bound of the UTF-8 bytes of a value's JSON, without writing it. */
export function valueBytes(value: unknown): number {
  if (typeof value === "string") return textBytes(value) + AROUND;
  if (typeof value !== "object" || value === null) return PLAIN;
  let bytes = AROUND;
  if (Array.isArray(value)) {
    for (const item of value as readonly unknown[]) bytes += valueBytes(item) + 1;
    return bytes;
  }
  for (const key in value) {
    bytes += textBytes(key) + AROUND + valueBytes((value as Readonly<Record<string, unknown>>)[key]);
  }
  return bytes;
}

/** No tokenizer in use makes more tokens of a text than it has UTF-8 bytes. */
export function textBytes(text: string): number {
  return Buffer.byteLength(text);
}
