import { z } from "zod";
import type { Attempt, CanonicalChatEvent, ChatParameter, FinishReason, Provider, Reply } from "@signalbox/kernel";
import {
  CHAT_PARAMETERS,
  ChatFold,
  GatewayError,
  parametersToDrop,
  textOf,
  withoutParameters,
} from "@signalbox/kernel";
import { sseEvents, upstreamError } from "@signalbox/kernel/http";

const NAME = "parley";
const TAKES: readonly string[] = ["maxOutputTokens", "temperature"];
const ENDINGS: Readonly<Record<string, FinishReason>> = { done: "stop", full: "length" };

const Open = z.object({ talk: z.string(), speaker: z.string(), at: z.number().int() });
const Say = z.object({ words: z.string() });
const Close = z.object({
  because: z.string(),
  counted: z.object({ heard: z.number(), reheard: z.number().nullish(), said: z.number() }),
});
const Fault = z.object({ fault: z.object({ word: z.string(), says: z.string() }) });

/** Parley, a vendor that does not exist. It always answers with server-sent events: `open`, `say`, `close` or `fault`. */
export function parley(): Provider {
  return { name: NAME, operations: { chat } };
}

async function* chat(attempt: Attempt<"chat">): Reply<"chat"> {
  const stream = await attempt.transport.open(encode(attempt));
  const { status, headers } = stream;
  if (status !== 200) {
    throw upstreamError({ provider: NAME, status, headers, body: await stream.readAll(), map: faultFacts });
  }
  const fold = new ChatFold();
  for await (const { event, data } of sseEvents(stream)) {
    for (const canonical of decode(event, data)) {
      fold.push(canonical);
      yield canonical;
    }
  }
  if (!fold.complete) throw broken("its answer ended too early");
  return fold.result();
}

function encode(attempt: Attempt<"chat">) {
  const { deployment, upstreamModel, request: asked } = attempt;
  const unsupported = (Object.keys(CHAT_PARAMETERS) as ChatParameter[]).filter(
    (field) => asked[field] !== undefined && !TAKES.includes(field),
  );
  const request = withoutParameters(asked, parametersToDrop(attempt, unsupported));
  const url = new URL(deployment.baseUrl ?? "https://api.parley.example");
  const turns = request.messages.map(({ role, content }) => {
    if (content.some(({ type }) => type !== "text")) {
      throw new GatewayError("invalid_request", "Parley understands text only", { param: "messages", source: NAME });
    }
    return { from: role, words: textOf(content) };
  });
  return {
    method: "POST",
    origin: url.origin,
    path: `${url.pathname.replace(/\/$/, "")}/talk`,
    headers: [
      ...["content-type", "application/json", "parley-key", deployment.apiKey?.reveal() ?? ""],
      ...Object.entries(deployment.headers ?? {}).flat(),
    ],
    body: JSON.stringify({
      speaker: upstreamModel,
      turns,
      atMost: request.maxOutputTokens,
      warmth: request.temperature,
      ...deployment.extraBody,
    }),
  } as const;
}

function* decode(event: string | undefined, data: string): Generator<CanonicalChatEvent> {
  if (event === "open") {
    const { talk, speaker, at } = read(Open, data);
    yield { type: "replyStart", id: talk, model: speaker, createdAt: at };
    yield { type: "partStart", choice: 0, index: 0, part: { type: "text", text: "" } };
  } else if (event === "say") {
    yield { type: "partDelta", choice: 0, index: 0, delta: { type: "text", text: read(Say, data).words } };
  } else if (event === "close") {
    const { because, counted } = read(Close, data);
    const cacheReadTokens = counted.reheard ?? 0; // counted beside what was heard: the normal form includes it
    yield { type: "partEnd", choice: 0, index: 0 };
    yield { type: "choiceEnd", choice: 0, finishReason: ENDINGS[because] ?? "error", nativeFinishReason: because };
    const usage = { inputTokens: counted.heard + cacheReadTokens, cacheReadTokens, outputTokens: counted.said };
    yield { type: "usageUpdate", usage };
  } else if (event === "fault") throw broken(read(Fault, data).fault.says);
}

function read<T>(schema: z.ZodType<T>, data: string): T {
  try {
    return schema.parse(JSON.parse(data));
  } catch (cause) {
    throw broken("its answer cannot be understood", cause);
  }
}

function faultFacts(body: unknown) {
  const { data } = Fault.safeParse(body);
  if (data === undefined) return undefined;
  const { word, says } = data.fault;
  return { message: says, ...(word === "too_long" && { code: "context_length_exceeded" as const }) };
}

function broken(what: string, cause?: unknown): GatewayError {
  return new GatewayError("provider_error", `Parley: ${what}`, { source: NAME, cause });
}
