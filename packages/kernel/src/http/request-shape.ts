import { GatewayError } from "../errors.ts";

/** What the check looks at; Node's `IncomingMessage` has it. */
export interface RequestHead {
  readonly httpVersion: string;
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  /** Names and values in turn, as they were received. */
  readonly rawHeaders: readonly string[];
}

const HOST = /^(?:[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,253}[A-Za-z0-9_.])?|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?$/;
const SLASH = 0x2f;

/**
 * Refuses the requests that Node accepts and that two servers in a row may read differently: several or malformed Host
 * headers, a target that is not a plain path, chunked bodies in HTTP/1.0, and paths that change when they are decoded.
 *
 * @throws {GatewayError} `invalid_request`
 */
export function checkRequestShape(head: RequestHead): void {
  checkTarget(head.url ?? "", head.method);
  const { rawHeaders } = head;
  const old = head.httpVersion === "1.0";
  let host: string | undefined;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] as string;
    if (name.length === 4) {
      if (name !== "Host" && name !== "host" && name.toLowerCase() !== "host") continue;
      if (host !== undefined) throw refused("it has two Host headers");
      host = rawHeaders[index + 1] as string;
    } else if (old && name.length === 17 && name.toLowerCase() === "transfer-encoding") {
      throw refused("HTTP/1.0 has no Transfer-Encoding");
    }
  }
  if (host === undefined) {
    if (!old) throw refused("it has no Host header");
  } else if (!HOST.test(host)) {
    throw refused("its Host header is malformed");
  }
}

function checkTarget(url: string, method: string | undefined): void {
  if (url.charCodeAt(0) !== SLASH) {
    if (url === "*" && method === "OPTIONS") return;
    throw refused("its target is not a path");
  }
  if (url.charCodeAt(1) === SLASH) throw refused("its path starts with two slashes");
  let escaped = false;
  let end = 0;
  for (; end < url.length; end++) {
    const code = url.charCodeAt(end);
    if (code === 0x3f) break;
    if (code === 0x25) escaped = true;
    else if (code < 0x21 || code === 0x7f || code === 0x5c || code === 0x23)
      throw refused("its path holds a forbidden character");
    else if (code === 0x2e && url.charCodeAt(end - 1) === SLASH) checkDots(url, end);
  }
  if (escaped) checkEscapes(url.slice(0, end));
}

/** A dot at the start of a segment: `.` and `..` alone are refused, `.well-known` is not. */
function checkDots(path: string, at: number): void {
  const after = path.charCodeAt(at + 1) === 0x2e ? at + 2 : at + 1;
  const next = path.charCodeAt(after);
  if (Number.isNaN(next) || next === SLASH || next === 0x3f || next === 0x3b)
    throw refused("its path holds a dot segment");
}

function checkEscapes(path: string): void {
  if (/%(?:2f|5c|0|1|7f)/i.test(path)) throw refused("its path holds an encoded separator or control character");
  let decoded: string;
  try {
    decoded = decodeURIComponent(path);
  } catch {
    throw refused("its path is badly encoded");
  }
  for (let dot = decoded.indexOf("/."); dot >= 0; dot = decoded.indexOf("/.", dot + 1)) checkDots(decoded, dot + 1);
}

function refused(why: string): GatewayError {
  return new GatewayError("invalid_request", `the request is malformed: ${why}`);
}
