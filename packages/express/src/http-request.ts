import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import type { DialectRequest } from "@signalbox/kernel";
import { GatewayError } from "@signalbox/kernel";
import { JsonBody, parseJsonBody } from "@signalbox/kernel/http";
import type { Settings } from "./handler-options.ts";
import type { Params } from "./route-table.ts";

const JSON_TYPE = "application/json";
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
   * Takes what a middleware has already read. False: the body is still to be read.
   *
   * @throws {GatewayError} `invalid_request`; `internal_error` when the middleware has left nothing
   */
  takeParsed(): boolean {
    const request = this.#request as IncomingMessage & { readonly body?: unknown };
    if (!request.readableDidRead) return false;
    const parsed = request.body;
    if (Buffer.isBuffer(parsed)) this.fill(parsed);
    else if (typeof parsed === "string") this.fill(Buffer.from(parsed));
    else if (parsed !== undefined && !this.#isForm) this.body = JsonBody.of(parsed);
    else {
      throw new GatewayError(
        "internal_error",
        "a middleware has read the request body and left nothing of it in request.body",
      );
    }
    return true;
  }

  /**
   * The most bytes that this body may have.
   *
   * @throws {GatewayError} `invalid_request` for one that is compressed
   */
  checkBody({ maxBodyBytes, maxFormBytes }: Settings): number {
    const encoding = this.headers["content-encoding"];
    if (encoding !== undefined && encoding !== "identity") {
      throw new GatewayError("invalid_request", "the request body must not be compressed; leave out content-encoding");
    }
    return this.#isForm ? maxFormBytes : maxBodyBytes;
  }

  /** @throws {GatewayError} `invalid_request` for what is neither a form nor JSON */
  fill(bytes: Buffer): void {
    if (this.#isForm) this.form = bytes;
    else if (bytes.length > 0) this.body = parseJsonBody(bytes);
  }

  get #isForm(): boolean {
    const type = this.headers["content-type"];
    return type !== undefined && type !== JSON_TYPE && FORM.test(type);
  }
}

/** Whether a request says that it brings a body (RFC 9112, section 6.3). */
export function hasBody({ headers }: IncomingMessage): boolean {
  const length = headers["content-length"];
  return (length !== undefined && length !== "0") || headers["transfer-encoding"] !== undefined;
}
