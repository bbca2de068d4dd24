import { once } from "node:events";
import { promisify } from "node:util";
import type { ZlibOptions } from "node:zlib";
import {
  brotliDecompress,
  constants,
  createBrotliDecompress,
  createGunzip,
  createInflate,
  gunzip,
  inflate,
} from "node:zlib";
import { GatewayError } from "../errors.ts";
import type { ResponseHeaders, TransportResponse, TransportStream } from "../transport.ts";

export type ContentCoding = "gzip" | "deflate" | "br";

/** A reply may grow to this many times its compressed size; a small one to `FREE_BYTES` in any case. */
const MAX_RATIO = 100;
const FREE_BYTES = 1024 * 1024;

const gunzipWhole = promisify<Buffer, ZlibOptions, Buffer>(gunzip);
const inflateWhole = promisify<Buffer, ZlibOptions, Buffer>(inflate);
const unbrotliWhole = promisify<Buffer, { maxOutputLength: number }, Buffer>(brotliDecompress);

/**
 * The one coding of a response, or undefined for none. A list of codings is refused: decoding in a chain lets a few
 * bytes grow without limit.
 */
export function contentCoding(headers: ResponseHeaders): ContentCoding | undefined {
  const header = headers["content-encoding"];
  if (header === undefined) return undefined;
  const coding = typeof header === "string" ? header.trim().toLowerCase() : header.join(",");
  if (coding === "identity" || coding === "") return undefined;
  if (coding === "gzip" || coding === "x-gzip") return "gzip";
  if (coding === "deflate" || coding === "br") return coding;
  throw new GatewayError("provider_error", "the upstream answered in a content encoding that is not supported");
}

export async function decodedResponse(
  response: TransportResponse,
  coding: ContentCoding,
  maxBytes: number,
): Promise<TransportResponse> {
  const { status, headers, body } = response;
  if (body.length === 0) return response;
  const maxOutputLength = Math.max(1, Math.min(maxBytes, Math.max(FREE_BYTES, body.length * MAX_RATIO), 0x7fff_ffff));
  const whole = coding === "gzip" ? gunzipWhole : coding === "deflate" ? inflateWhole : unbrotliWhole;
  try {
    return { status, headers: decodedHeaders(headers), body: await whole(body, { maxOutputLength }) };
  } catch (error) {
    if ((error as { code?: unknown }).code === "ERR_BUFFER_TOO_LARGE") throw tooLarge();
    throw broken(error);
  }
}

/** The stream of decoded bytes. At most one piece is decoded ahead of the reader. */
export function decodedStream(source: TransportStream, coding: ContentCoding, maxBytes: number): TransportStream {
  return new DecodedStream(source, decodedPieces(source, coding, maxBytes));
}

class DecodedStream implements TransportStream {
  readonly status: number;
  readonly headers: ResponseHeaders;
  readonly #source: TransportStream;
  readonly #pieces: AsyncGenerator<Buffer, void, void>;

  constructor(source: TransportStream, pieces: AsyncGenerator<Buffer, void, void>) {
    this.status = source.status;
    this.headers = decodedHeaders(source.headers);
    this.#source = source;
    this.#pieces = pieces;
  }

  async read(): Promise<Buffer | undefined> {
    const step = await this.#pieces.next();
    return step.done === true ? undefined : step.value;
  }

  async readAll(): Promise<Buffer> {
    const pieces: Buffer[] = [];
    for await (const piece of this.#pieces) pieces.push(piece);
    return Buffer.concat(pieces);
  }

  [Symbol.asyncIterator](): AsyncGenerator<Buffer, void, void> {
    return this.#pieces;
  }

  close(): void {
    this.#source.close();
    void this.#pieces.return();
  }
}

async function* decodedPieces(
  source: TransportStream,
  coding: ContentCoding,
  maxBytes: number,
): AsyncGenerator<Buffer, void, void> {
  const engine =
    coding === "br"
      ? createBrotliDecompress({ flush: constants.BROTLI_OPERATION_FLUSH })
      : (coding === "gzip" ? createGunzip : createInflate)({ flush: constants.Z_SYNC_FLUSH });
  let consumed = 0;
  let produced = 0;
  const fill = async (): Promise<void> => {
    for await (const piece of source) {
      consumed += piece.length;
      if (!engine.write(piece)) await once(engine, "drain");
    }
    engine.end();
  };
  // destroying the engine ends the loop below, and a failure of the source is the failure of the reader
  fill().catch((error: Error) => engine.destroy(error));
  try {
    for await (const piece of engine as AsyncIterable<Buffer>) {
      produced += piece.length;
      if (produced > maxBytes || (produced > FREE_BYTES && produced > consumed * MAX_RATIO)) throw tooLarge();
      yield piece;
    }
  } catch (error) {
    throw error instanceof GatewayError ? error : broken(error);
  } finally {
    engine.destroy();
    source.close();
  }
}

/** The headers that described the encoded bytes are gone. */
function decodedHeaders(headers: ResponseHeaders): ResponseHeaders {
  const { "content-encoding": _coding, "content-length": _length, ...rest } = headers;
  return rest;
}

function tooLarge(): GatewayError {
  return new GatewayError("provider_error", "the decompressed reply of the upstream is too large");
}

function broken(cause: unknown): GatewayError {
  return new GatewayError("provider_error", "the compressed reply of the upstream is damaged", { cause });
}
