import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import type { DialectRequest } from "@signalbox/kernel";
import { GatewayError } from "@signalbox/kernel";
import { JsonBody, parseJsonBody } from "@signalbox/kernel/http";
import { readBody } from "./body-reader.ts";
import type { Exchange } from "./exchange.ts";
import type { Params } from "./route-table.ts";

const FORM = /^multipart\/form-data\b/i;

/** A request as dialects see it. */
export class HttpRequest implements DialectRequest {
  readonly method: string;
  readonly path: string;
  readonly params: Params;
  readonly headers: IncomingHttpHeaders;
  body: JsonBody | undefined;
  form: Buffer | undefined;
  readonly #request: IncomingMessage;
  #query: URLSearchParams | undefined;

  constructor(request: IncomingMessage, path: string, params: Params) {
    this.#request = request;
    this.method = request.method ?? "GET";
    this.path = path;
    this.params = params;
    this.headers = request.headers;
  }

  get query(): URLSearchParams {
    if (this.#query === undefined) {
      const url = this.#request.url ?? "";
      const mark = url.indexOf("?");
      this.#query = new URLSearchParams(mark < 0 ? "" : url.slice(mark + 1));
    }
    return this.#query;
  }

  /**
   * Fills `body` or `form`: from what a middleware has already read, or from the connection.
   *
   * @throws {GatewayError} `request_too_large`, `request_timeout`, `invalid_request`, `client_closed`
   */
  async read(exchange: Exchange): Promise<void> {
    const request = this.#request;
    const { settings } = exchange.surface;
    const type = this.headers["content-type"];
    const isForm = type !== undefined && FORM.test(type);
    const limit = isForm ? settings.maxFormBytes : settings.maxBodyBytes;
    if (request.readableDidRead) {
      this.#take((request as { readonly body?: unknown }).body, isForm);
      return;
    }
    const encoding = this.headers["content-encoding"];
    if (encoding !== undefined && encoding !== "identity") {
      throw new GatewayError("invalid_request", "the request body must not be compressed; leave out content-encoding");
    }
    const waitingSince = performance.now();
    const bytes = await readBody(request, limit, settings.bodyTimeoutMs);
    exchange.waitedMs += performance.now() - waitingSince;
    this.#parse(bytes, isForm);
  }

  #take(parsed: unknown, isForm: boolean): void {
    if (Buffer.isBuffer(parsed)) this.#parse(parsed, isForm);
    else if (typeof parsed === "string") this.#parse(Buffer.from(parsed), isForm);
    else if (parsed !== undefined && !isForm) this.body = JsonBody.of(parsed);
    else {
      throw new GatewayError(
        "internal_error",
        "a middleware has read the request body and left nothing of it in request.body",
      );
    }
  }

  #parse(bytes: Buffer, isForm: boolean): void {
    if (isForm) this.form = bytes;
    else if (bytes.length > 0) this.body = parseJsonBody(bytes);
  }
}

/** Whether a request says that it brings a body (RFC 9112, section 6.3). */
export function hasBody({ headers }: IncomingMessage): boolean {
  const length = headers["content-length"];
  return (length !== undefined && length !== "0") || headers["transfer-encoding"] !== undefined;
}
