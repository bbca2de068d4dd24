import type { HttpReply } from "@signalbox/kernel";
import type { Exchange } from "./exchange.ts";
import { replyHeaders } from "./reply-headers.ts";

/**
 * Writes an answer whose length nobody knows yet, as fast as the client takes it. What fails on the way breaks the
 * connection off: a client must not take half of it for the whole.
 */
export async function sendLong(
  exchange: Exchange,
  { status, headers, body }: HttpReply,
  rest: AsyncIterable<string>,
): Promise<void> {
  const { response } = exchange;
  exchange.watch();
  try {
    const all = replyHeaders(exchange);
    for (const name in headers) all.push(name, headers[name] as string);
    response.writeHead(status, all);
    if (body.length > 0) response.write(body);
    for await (const piece of rest) {
      if (exchange.closed) return;
      if (piece !== "" && !response.write(piece)) await exchange.drained();
      if (exchange.closed) return;
    }
    response.end();
  } catch (thrown) {
    response.destroy();
    throw thrown;
  } finally {
    exchange.unwatch();
  }
}
