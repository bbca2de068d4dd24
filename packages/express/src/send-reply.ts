import type { ServerResponse } from "node:http";
import type { HttpReply } from "@signalbox/kernel";
import type { Exchange } from "./exchange.ts";
import { replyHeaders } from "./reply-headers.ts";

/** Above this a slow reader leaves bytes in our memory; below, the system's socket buffer takes them all. */
const SMALL_BYTES = 64 * 1024;

/**
 * Up to this size Node sends head and body in one plain write when the body is a string, which costs less than the
 * gathered write of head and Buffer, also with the copy that latin1 is: one character for each byte.
 */
const JOINED_BYTES = 8 * 1024;

/** Writes a whole response. With `end` false it stays open for the caller to end, complete as it is to the client. */
export function sendReply(
  exchange: Exchange,
  reply: HttpReply,
  extra?: HttpReply["headers"],
  end: boolean = true,
): void {
  const { response } = exchange;
  const { body, status } = reply;
  const headers = replyHeaders(exchange);
  for (const name in extra) headers.push(name, extra[name] as string);
  const own = reply.headers;
  let typed = false;
  for (const name in own) {
    headers.push(name, own[name] as string);
    typed = true;
  }
  const length = typeof body === "string" ? Buffer.byteLength(body) : body.length;
  if (!typed && length > 0) headers.push("content-type", "application/json");
  if (status !== 204 && status !== 304) headers.push("content-length", String(length));
  response.writeHead(status, headers);
  if (!end) response.write(body);
  else if (typeof body !== "string" && length <= JOINED_BYTES) response.end(body.toString("latin1"), "latin1");
  else response.end(body);
  if (length > SMALL_BYTES) limitTail(exchange);
}

/** Bounds how long a reader may leave the last bytes of a finished response untouched. */
export function limitTail({ response, surface }: Exchange): void {
  const limit = surface.settings.stallTimeoutMs;
  if (limit === 0) return;
  const { socket } = response;
  const before = socket?.timeout ?? 0;
  response.setTimeout(limit, onTail);
  response.once("close", () => {
    // Node has put its keep-alive timeout in this place, unless that is switched off
    if (socket?.timeout === limit) socket.setTimeout(before);
  });
}

function onTail(this: unknown): void {
  (this as ServerResponse).destroy();
}
