import type { AttemptRecord, Call } from "@signalbox/kernel";
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
  const answering = answeringAttempt(attempts);
  if (answering !== undefined) addDeployment(headers, answering);
  headers.push("x-signalbox-attempts", String(attempts.length));
  // a header costs most calls more than all of routing: these are not needed to say "none"
  if (attempts.length > 1) addFurtherTries(headers, attempts);
  if (trace.droppedParams !== undefined) {
    headers.push("x-signalbox-dropped-params", headerText(trace.droppedParams.join(", ")));
  }
  if (trace.headers !== undefined) addPlugins(headers, trace.headers);
  const overheadMs = performance.now() - exchange.startedAt - exchange.waitedMs - trace.upstreamMs;
  headers.push("x-signalbox-overhead-ms", Math.max(0, overheadMs).toFixed(2));
}

/** What plugins tell: a flat list, too. */
function addPlugins(headers: string[], more: readonly string[]): void {
  for (let at = 0; at < more.length; at += 2) headers.push(more[at] as string, headerText(more[at + 1] as string));
}

/** The one that answered; when all have failed, the last. A hedged one that answered first may not be the last. */
function answeringAttempt(attempts: readonly AttemptRecord[]): AttemptRecord | undefined {
  for (let at = attempts.length - 1; at >= 0; at--) {
    const attempt = attempts[at] as AttemptRecord;
    if (attempt.code === undefined) return attempt;
  }
  return attempts[attempts.length - 1];
}

function addDeployment(headers: string[], { deployment, group, region }: AttemptRecord): void {
  const id = headerText(deployment);
  headers.push("x-signalbox-deployment", id, "x-signalbox-model-id", id, "x-signalbox-model-group", headerText(group));
  if (region !== undefined) headers.push("x-signalbox-model-region", headerText(region));
}

/** Tries beyond the first: at the same model, and at others. A hedge is neither. */
function addFurtherTries(headers: string[], attempts: readonly AttemptRecord[]): void {
  let retries = 0;
  let fallbacks = 0;
  let group = attempts[0]?.group;
  for (let at = 1; at < attempts.length; at++) {
    const attempt = attempts[at] as AttemptRecord;
    if (attempt.purpose === "hedge") continue;
    if (attempt.group === group) retries += 1;
    else fallbacks += 1;
    group = attempt.group;
  }
  headers.push("x-signalbox-attempted-retries", String(retries));
  headers.push("x-signalbox-attempted-fallbacks", String(fallbacks));
}

/** Clients choose some of these texts, and a header takes only some characters. */
function headerText(text: string): string {
  const short = text.length > LONGEST ? text.slice(0, LONGEST) : text;
  return PLAIN.test(short) ? short : encodeURI(short.toWellFormed()).replace(/%20/g, " ");
}
