import type { Call } from "@signalbox/kernel";
import type { Exchange } from "./exchange.ts";

const PLAIN = /^[\x20-\x7e]*$/;
const LONGEST = 256;

/** What every response says about itself, as a flat list for `writeHead`. */
export function replyHeaders(exchange: Exchange): string[] {
  const headers = ["x-signalbox-call-id", exchange.id];
  if (exchange.open !== undefined) addCall(headers, exchange, exchange.open.call);
  if (exchange.surface.draining) headers.push("connection", "close");
  return headers;
}

function addCall(headers: string[], exchange: Exchange, { request, trace }: Call): void {
  const { model } = request as { readonly model?: string };
  const { attempts } = trace;
  if (model !== undefined) headers.push("x-signalbox-model", headerText(model));
  const last = attempts[attempts.length - 1];
  if (last !== undefined) headers.push("x-signalbox-deployment", headerText(last.deployment));
  headers.push("x-signalbox-attempts", String(attempts.length));
  if (trace.droppedParams !== undefined) {
    headers.push("x-signalbox-dropped-params", headerText(trace.droppedParams.join(", ")));
  }
  const overheadMs = performance.now() - exchange.startedAt - exchange.waitedMs - trace.upstreamMs;
  headers.push("x-signalbox-overhead-ms", Math.max(0, overheadMs).toFixed(2));
}

/** Clients choose some of these texts, and a header takes only some characters. */
function headerText(text: string): string {
  const short = text.length > LONGEST ? text.slice(0, LONGEST) : text;
  return PLAIN.test(short) ? short : encodeURI(short.toWellFormed()).replace(/%20/g, " ");
}
