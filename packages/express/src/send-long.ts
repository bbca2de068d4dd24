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
  const pieces = rest[Symbol.asyncIterator]();
  try {
    // what cannot even begin is still an error like every other
    let step = await pieces.next();
    const all = replyHeaders(exchange);
    for (const name in headers) all.push(name, headers[name] as string);
    response.writeHead(status, all);
    if (body.length > 0) response.write(body);
    while (step.done !== true) {
      if (exchange.closed) return;
      if (step.value !== "" && !response.write(step.value)) await exchange.drained();
      if (exchange.closed) return;
      step = await pieces.next();
    }
    response.end();
  } catch (thrown) {
    if (response.headersSent) response.destroy();
    throw thrown;
  } finally {
    await pieces.return?.();
    exchange.unwatch();
  }
}
