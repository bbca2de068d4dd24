import { randomBytes } from "node:crypto";
import { GatewayError } from "../errors.ts";

/** A text field of a form. */
export interface MultipartField {
  readonly name: string;
  readonly value: string;
}

/** A file of a form. */
export interface MultipartFile {
  readonly name: string;
  readonly filename: string;
  /** Default `application/octet-stream`. */
  readonly contentType?: string | undefined;
  readonly data: Buffer | AsyncIterable<Buffer>;
}

/** A form to send: its body and the content type with its boundary. */
export interface MultipartBody<Body> {
  /** For the `content-type` header; it names the boundary. */
  readonly contentType: string;
  readonly body: Body;
}

/** A whole `multipart/form-data` body. Files must be Buffers; see {@link streamMultipart} for others. */
export function encodeMultipart(
  parts: readonly (MultipartField | (MultipartFile & { readonly data: Buffer }))[],
): MultipartBody<Buffer> {
  const boundary = newBoundary();
  const pieces: (Buffer | string)[] = [];
  for (const part of parts) pieces.push(partHead(part, boundary), "value" in part ? part.value : part.data, "\r\n");
  pieces.push(`--${boundary}--\r\n`);
  return {
    contentType: contentTypeOf(boundary),
    body: Buffer.concat(pieces.map((piece) => (typeof piece === "string" ? Buffer.from(piece) : piece))),
  };
}

/** The same, piece by piece: a file that is still arriving is never held as a whole. */
export function streamMultipart(
  parts: Iterable<MultipartField | MultipartFile> | AsyncIterable<MultipartField | MultipartFile>,
): MultipartBody<AsyncIterable<Buffer>> {
  const boundary = newBoundary();
  return { contentType: contentTypeOf(boundary), body: pieces(parts, boundary) };
}

async function* pieces(
  parts: Iterable<MultipartField | MultipartFile> | AsyncIterable<MultipartField | MultipartFile>,
  boundary: string,
): AsyncGenerator<Buffer, void, void> {
  for await (const part of parts) {
    yield Buffer.from(partHead(part, boundary));
    if ("value" in part) yield Buffer.from(part.value);
    else if (Buffer.isBuffer(part.data)) yield part.data;
    else yield* part.data;
    yield Buffer.from("\r\n");
  }
  yield Buffer.from(`--${boundary}--\r\n`);
}

/** 128 random bits: no content contains it. */
function newBoundary(): string {
  return `form-${randomBytes(16).toString("hex")}`;
}

function contentTypeOf(boundary: string): string {
  return `multipart/form-data; boundary=${boundary}`;
}

function partHead(part: MultipartField | MultipartFile, boundary: string): string {
  const name = `--${boundary}\r\ncontent-disposition: form-data; name="${quoted(part.name)}"`;
  if ("value" in part) return `${name}\r\n\r\n`;
  const type = part.contentType ?? "application/octet-stream";
  if (!/^[\x21-\x7e][\x20-\x7e]{0,254}$/.test(type))
    throw new GatewayError("invalid_request", "the content type of a file is malformed");
  return `${name}; filename="${quoted(part.filename)}"\r\ncontent-type: ${type}\r\n\r\n`;
}

/** As browsers do: quotes are percent-encoded. Control characters could end the header, and nobody needs them. */
function quoted(name: string): string {
  for (let index = 0; index < name.length; index++) {
    const code = name.charCodeAt(index);
    if (code < 0x20 || code === 0x7f)
      throw new GatewayError("invalid_request", "a field or file name holds a control character");
  }
  return name.replaceAll('"', "%22").replaceAll("\\", "_");
}
