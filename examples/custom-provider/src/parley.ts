import { z } from "zod";
import type { Attempt, CanonicalChatEvent, FinishReason, Provider, TransportRequest } from "@signalbox/kernel";
import { foldReply, GatewayError, onlyParameters, textOf } from "@signalbox/kernel";
import { jsonRequest, openStream, parseJson, sseEvents } from "@signalbox/kernel/http";

const ENDINGS: Readonly<Record<string, FinishReason>> = { done: "stop", full: "length" };

const Open = z.object({ talk: z.string(), speaker: z.string(), at: z.number().int() });
const Say = z.object({ words: z.string() });
const Counted = z.object({ heard: z.number(), reheard: z.number().nullish(), said: z.number() });
const Close = z.object({ because: z.string(), counted: Counted });
const Fault = z.object({ fault: z.object({ word: z.string(), says: z.string() }) });

/** Parley, a vendor that does not exist. It always answers with server-sent events: `open`, `say`, `close` or `fault`. */
export function parley(): Provider {
  return { name: "parley", operations: { chat: (attempt) => foldReply(attempt, chat(attempt)) } };
}

async function* chat(attempt: Attempt<"chat">): AsyncGenerator<CanonicalChatEvent> {
  const stream = await openStream(attempt, encode(attempt), { map: faultFacts });
  for await (const { event, data } of sseEvents(stream)) yield* decode(attempt, event, data);
}

function encode(attempt: Attempt<"chat">): TransportRequest {
  const { messages, maxOutputTokens, temperature } = onlyParameters(attempt, ["maxOutputTokens", "temperature"]);
  const turns = messages.map(({ role, content }) => {
    if (content.every(({ type }) => type === "text")) return { from: role, words: textOf(content) };
    throw new GatewayError("invalid_request", "Parley understands text only", { param: "messages", source: "parley" });
  });
  return jsonRequest(attempt, {
    baseUrl: "https://api.parley.example",
    path: "/talk",
    headers: { "parley-key": attempt.deployment.apiKey?.reveal() },
    body: { speaker: attempt.upstreamModel, turns, atMost: maxOutputTokens, warmth: temperature },
  });
}

function* decode(attempt: Attempt<"chat">, event: string | undefined, data: string): Generator<CanonicalChatEvent> {
  if (event === "open") {
    const { talk, speaker, at } = parseJson(attempt, data, Open);
    yield { type: "replyStart", id: talk, model: speaker, createdAt: at };
    yield { type: "partStart", choice: 0, index: 0, part: { type: "text", text: "" } };
  } else if (event === "say") {
    const { words } = parseJson(attempt, data, Say);
    yield { type: "partDelta", choice: 0, index: 0, delta: { type: "text", text: words } };
  } else if (event === "close") {
    const { because, counted } = parseJson(attempt, data, Close);
    const cacheReadTokens = counted.reheard ?? 0; // counted beside what was heard: the normal form includes it
    const usage = { inputTokens: counted.heard + cacheReadTokens, cacheReadTokens, outputTokens: counted.said };
    yield { type: "partEnd", choice: 0, index: 0 };
    yield { type: "choiceEnd", choice: 0, finishReason: ENDINGS[because] ?? "error", nativeFinishReason: because };
    yield { type: "usageUpdate", usage };
  } else if (event === "fault") {
    const { fault } = parseJson(attempt, data, Fault);
    throw new GatewayError("provider_error", fault.says, { source: "parley" });
  }
}

/** What a refusal's own words tell besides its status. */
function faultFacts(body: unknown) {
  const { data } = Fault.safeParse(body);
  if (data === undefined) return undefined;
  const { word, says } = data.fault;
  return { message: says, ...(word === "too_long" && { code: "context_length_exceeded" as const }) };
}
