/** Flat list of header names and values: `["content-type", "application/json", "accept", "…"]`. */
export type HeaderList = readonly string[];

/** Response headers: lower-case names; a repeated header is an array. */
export type ResponseHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

/** A request to a provider. */
export interface TransportRequest {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Scheme, host and port: `https://api.example.com`. */
  readonly origin: string;
  /** Path and query: `/v1/chat/completions`. */
  readonly path: string;
  readonly headers: HeaderList;
  readonly body?: Buffer | string | AsyncIterable<Buffer> | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Whole exchange. */
  readonly timeoutMs?: number | undefined;
  /** Until the first byte of the response head. */
  readonly headersTimeoutMs?: number | undefined;
  /** Until the first piece of the body: a head alone is no answer. */
  readonly firstByteTimeoutMs?: number | undefined;
  /** Longest silence between two pieces of the body. */
  readonly idleTimeoutMs?: number | undefined;
  /** Largest body that is accepted. */
  readonly maxBytes?: number | undefined;
  /** The address can be influenced by a client: it passes the URL guard at connect time. */
  readonly untrusted?: boolean | undefined;
}

/** A reply that has been read whole, whatever its status. */
export interface TransportResponse {
  readonly status: number;
  readonly headers: ResponseHeaders;
  readonly body: Buffer;
}

/** A response whose body is still arriving. Exactly one of `read`, `readAll` and iteration is used; `close` always works. */
export interface TransportStream extends AsyncIterable<Buffer> {
  readonly status: number;
  readonly headers: ResponseHeaders;
  /** Everything that has arrived since the last read, or the next piece; undefined at the end. */
  read(): Promise<Buffer | undefined>;
  readAll(): Promise<Buffer>;
  /** Ends the exchange and frees the connection; idempotent. */
  close(): void;
}

/**
 * How a provider reaches its vendor. Failures are `GatewayError`s: `timeout` (a limit above was hit), `client_closed`
 * (the signal fired for that reason), `provider_error` (connection refused, reset, cut, over `maxBytes`).
 * A response with an error status is not a failure here.
 */
export interface Transport {
  /** Sends and reads the whole response. */
  send(request: TransportRequest): Promise<TransportResponse>;
  /** Sends and answers as soon as the response head is there. */
  open(request: TransportRequest): Promise<TransportStream>;
  /** Closes idle connections and waits for running ones. */
  close?(): Promise<void>;
}
