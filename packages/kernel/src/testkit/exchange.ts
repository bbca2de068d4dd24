/** How a body is cut on the wire: in one piece, after each line feed, byte by byte, every n bytes, or as it was recorded. */
export type Delivery = "whole" | "lines" | "bytes" | "recorded" | number;

/**
 * What goes wrong with a reply. `afterBytes` counts bytes of the body; without it, half of the body.
 *
 * - `reset`: the connection is reset (RST).
 * - `stall`: nothing more comes, and the connection stays open.
 * - `truncate`: `content-length` promises the whole body, and the connection ends early.
 * - `end`: the body ends early and cleanly, as if it were whole.
 * - `malformed`: `bytes` are put in between; default: a frame whose JSON is broken.
 */
export type Fault =
  | { readonly type: "reset" | "stall" | "truncate" | "end"; readonly afterBytes?: number }
  | { readonly type: "malformed"; readonly afterBytes?: number; readonly bytes?: string };

/** One reply of an upstream, as a recording or a hand-written fixture describes it. Give at most one kind of body. */
export interface Exchange {
  /** Default 200. */
  readonly status?: number;
  /** Default `application/json` for `body`, else `text/event-stream` if the text looks like it, else `text/plain`. */
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Written as JSON. */
  readonly body?: unknown;
  readonly bodyText?: string;
  readonly bodyBase64?: string;
  /** Base64 of the pieces as the network delivered them. Joined they are the body. */
  readonly chunks?: readonly string[];
  /** Overrides the server's. */
  readonly delivery?: Delivery;
  /** Wait between two pieces. */
  readonly pauseMs?: number;
  /** Wait before the response head. */
  readonly headersDelayMs?: number;
  readonly fault?: Fault;
}

/** The body as bytes. */
export function exchangeBody(exchange: Exchange): Buffer {
  if (exchange.bodyBase64 !== undefined) return Buffer.from(exchange.bodyBase64, "base64");
  if (exchange.bodyText !== undefined) return Buffer.from(exchange.bodyText);
  if (exchange.body !== undefined) return Buffer.from(JSON.stringify(exchange.body));
  return Buffer.concat((exchange.chunks ?? []).map((chunk) => Buffer.from(chunk, "base64")));
}

export function exchangeContentType(exchange: Exchange): string {
  if (exchange.contentType !== undefined) return exchange.contentType;
  if (exchange.body !== undefined) return "application/json";
  return /^(?::|data:|event:|id:)/.test(exchange.bodyText ?? "") ? "text/event-stream" : "text/plain";
}

/** Cuts a body as `delivery` says. The pieces joined are the body. */
export function cutBody(body: Buffer, delivery: Delivery, recorded?: readonly string[]): readonly Buffer[] {
  if (body.length === 0) return [];
  if (delivery === "recorded" && recorded !== undefined) return recorded.map((chunk) => Buffer.from(chunk, "base64"));
  if (delivery === "whole" || delivery === "recorded") return [body];
  if (delivery === "lines") return cutLines(body);
  const size = delivery === "bytes" ? 1 : delivery;
  if (!Number.isInteger(size) || size < 1) throw new RangeError(`delivery must be a positive number of bytes: ${size}`);
  return Array.from({ length: Math.ceil(body.length / size) }, (_, index) =>
    body.subarray(index * size, (index + 1) * size),
  );
}

function cutLines(body: Buffer): readonly Buffer[] {
  const lines: Buffer[] = [];
  let start = 0;
  while (start < body.length) {
    const feed = body.indexOf(0x0a, start);
    const end = feed < 0 ? body.length : feed + 1;
    lines.push(body.subarray(start, end));
    start = end;
  }
  return lines;
}
