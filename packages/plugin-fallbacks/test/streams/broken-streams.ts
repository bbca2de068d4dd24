import type {
  Attempt,
  AttemptRecord,
  CanonicalChatEvent,
  ChatRequest,
  ChatResult,
  Gateway,
  GatewayOptions,
  Layer,
  LayerPlacement,
  Plugin,
  Reply,
  Router,
  Usage,
} from "@signalbox/kernel";
import { createGateway, foldReply, GatewayError, toGatewayError } from "@signalbox/kernel";
import { continueStreams } from "../../src/streams/continue-stream.ts";

/** What a deployment does with an attempt. */
export type Script = (attempt: Attempt<"chat">) => AsyncIterable<CanonicalChatEvent> | Reply<"chat">;

/** Yields each deployment once per call, as `fallbacks` does for a stream that is continued. */
function untriedRouter(): Plugin["router"] {
  return (models): Router => ({
    *route(call) {
      const tried = new Set(call.trace.attempts.map(({ deployment }) => deployment));
      for (const deployment of models.deployments(call.model)) if (!tried.has(deployment.id)) yield deployment;
    },
  });
}

export interface StreamBench {
  readonly gateway: Gateway;
  /** In the order in which they were made. */
  readonly attempts: readonly Attempt<"chat">[];
  ask(
    request?: Partial<ChatRequest>,
    more?: { readonly signal?: AbortSignal; readonly timeoutMs?: number },
  ): Promise<Heard>;
}

/** All that a caller gets to know. */
export interface Heard {
  readonly events: readonly CanonicalChatEvent[];
  readonly result: ChatResult | undefined;
  readonly error: GatewayError | undefined;
  readonly notes: readonly string[];
  readonly records: readonly AttemptRecord[];
  /** What its events say. */
  readonly text: string;
}

/** A gateway with one model and a deployment per script, in this order. */
export async function streamBench(
  scripts: Readonly<Record<string, Script>>,
  options: {
    readonly layer?: LayerPlacement<Layer>;
    readonly plugins?: readonly Plugin[];
  } & Partial<GatewayOptions> = {},
): Promise<StreamBench> {
  const attempts: Attempt<"chat">[] = [];
  const { layer = continueStreams(), plugins = [], ...rest } = options;
  const gateway = await createGateway({
    ...rest,
    plugins: [
      {
        name: "vendor",
        providers: [
          {
            name: "p",
            operations: {
              async *chat(attempt) {
                attempts.push(attempt);
                const answer = scripts[attempt.deployment.id]?.(attempt) as AsyncIterable<CanonicalChatEvent>;
                return yield* isReply(answer) ? answer : foldReply(attempt, answer);
              },
            },
          },
        ],
        router: untriedRouter() as NonNullable<Plugin["router"]>,
        layers: { cache: layer },
      },
      ...plugins,
    ],
    deployments: Object.keys(scripts).map((id) => ({ id, model: "m", provider: "p", upstreamModel: id })),
  });
  return {
    gateway,
    attempts,
    async ask(request, more) {
      const { call, reply } = gateway.open({
        operation: "chat",
        request: { model: "m", stream: true, messages: [userMessage("Tell me.")], ...request },
        ...(more?.signal !== undefined && { signal: more.signal }),
        ...(more?.timeoutMs !== undefined && { options: { timeoutMs: more.timeoutMs } }),
      });
      const events: CanonicalChatEvent[] = [];
      let result: ChatResult | undefined;
      let error: GatewayError | undefined;
      try {
        for (;;) {
          const step = await reply.next();
          if (step.done === true) {
            result = step.value;
            break;
          }
          events.push(step.value as CanonicalChatEvent);
        }
      } catch (thrown) {
        error = toGatewayError(thrown);
      }
      const notes = (call.trace.notes ?? []).map(({ text }) => text);
      return { events, result, error, notes, records: call.trace.attempts, text: textIn(events) };
    },
  };
}

function isReply(answer: object): answer is Reply<"chat"> {
  return WHOLE.has(answer);
}

const WHOLE = new WeakSet<object>();

/** A whole answer, from a provider that streams nothing. */
export function wholeAnswer(text: string, usage: Usage): Reply<"chat"> {
  // biome-ignore lint/correctness/useYield: a reply without events
  async function* reply(): Reply<"chat"> {
    return {
      id: "whole",
      model: "w",
      createdAt: 1_700_000_000,
      choices: [{ index: 0, content: [{ type: "text", text }], finishReason: "stop" }],
      usage,
    };
  }
  const whole = reply();
  WHOLE.add(whole);
  return whole;
}

export function userMessage(text: string): ChatRequest["messages"][number] {
  return { role: "user", content: [{ type: "text", text }] };
}

export function textIn(events: readonly CanonicalChatEvent[]): string {
  let text = "";
  for (const event of events) {
    if (event.type === "partStart" && event.part.type === "text") text += event.part.text;
    if (event.type === "partDelta" && event.delta.type === "text") text += event.delta.text;
  }
  return text;
}

export const RESET = new GatewayError("provider_error", "the connection was reset", { source: "p" });

/** The first so many events of a stream, and then the error. */
export async function* cut(
  events: readonly CanonicalChatEvent[],
  count: number,
  error: Error = RESET,
): AsyncGenerator<CanonicalChatEvent> {
  yield* events.slice(0, count);
  throw error;
}

export async function* stream(events: readonly CanonicalChatEvent[]): AsyncGenerator<CanonicalChatEvent> {
  yield* events;
}

export interface Answer {
  readonly id?: string;
  readonly reasoning?: string;
  readonly signature?: string;
  /** Pieces of the text. */
  readonly text?: readonly string[];
  readonly usage?: Usage;
  readonly finishReason?: "stop" | "length";
}

/** The events of an answer: reasoning, if any, then one text. */
export function answerEvents(answer: Answer): readonly CanonicalChatEvent[] {
  const { id = "reply", reasoning, signature, text, usage = { inputTokens: 10, outputTokens: 5 } } = answer;
  const events: CanonicalChatEvent[] = [
    {
      type: "replyStart",
      id,
      model: `model of ${id}`,
      createdAt: 1_700_000_000,
      usage: { inputTokens: usage.inputTokens, outputTokens: 1 },
    },
  ];
  let index = 0;
  if (reasoning !== undefined) {
    events.push(
      { type: "partStart", choice: 0, index, part: { type: "reasoning", text: "", origin: "vendor" } },
      { type: "partDelta", choice: 0, index, delta: { type: "reasoning", text: reasoning } },
    );
    if (signature !== undefined) {
      events.push({ type: "partDelta", choice: 0, index, delta: { type: "signature", signature } });
    }
    events.push({ type: "partEnd", choice: 0, index });
    index++;
  }
  if (text !== undefined) {
    events.push({ type: "partStart", choice: 0, index, part: { type: "text", text: "" } });
    for (const piece of text) {
      events.push({ type: "partDelta", choice: 0, index, delta: { type: "text", text: piece } });
    }
    events.push({ type: "partEnd", choice: 0, index });
  }
  events.push(
    { type: "choiceEnd", choice: 0, finishReason: answer.finishReason ?? "stop" },
    { type: "usageUpdate", usage },
  );
  return events;
}

/** What the request says was said so far; undefined when it is the client's own. */
export function saidIn({ request }: Pick<Attempt<"chat">, "request">): string | undefined {
  const said = request.messages.at(-2);
  if (said?.role !== "assistant" || request.messages.at(-1)?.role !== "user") return undefined;
  return said.content.map((part) => (part as { text: string }).text).join("");
}
