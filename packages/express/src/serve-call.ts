import type { CallRoute, Decoded, DialectRequest, OperationName, Principal } from "@signalbox/kernel";
import { resultOf } from "@signalbox/kernel";
import { callInput } from "./call-input.ts";
import type { Exchange } from "./exchange.ts";
import { sendError } from "./send-error.ts";
import { sendReply } from "./send-reply.ts";
import { StreamWriter } from "./stream-writer.ts";

/** Runs one operation and writes its reply. Rejects only before the call is open. */
export async function serveCall(
  exchange: Exchange,
  route: CallRoute,
  request: DialectRequest,
  principal: Principal,
): Promise<void> {
  const decoded = route.decode(request) as Decoded<OperationName>;
  exchange.watch();
  const open = exchange.surface.gateway.open(callInput(route.operation, decoded, principal));
  exchange.open = open;
  const encoder = decoded.encoder(open.call);
  if (encoder.streaming) {
    await new StreamWriter(exchange, open, encoder).run();
  } else {
    try {
      sendReply(exchange, encoder.result((await resultOf(open.reply)) as never), headerList(encoder.headers));
    } catch (thrown) {
      sendError(exchange, thrown);
    }
  }
  exchange.unwatch();
}

/** As a flat list. */
function headerList(headers: Readonly<Record<string, string>> | undefined): string[] | undefined {
  if (headers === undefined) return undefined;
  const list: string[] = [];
  for (const name in headers) list.push(name, headers[name] as string);
  return list;
}
