import type {
  Attempt,
  CanonicalChatEvent,
  ChatResult,
  FinishReason,
  Message,
  Provider,
  Usage,
} from "@signalbox/kernel";
import { ChatFold, GatewayError, parametersToDrop, resultEvents, withoutParameters } from "@signalbox/kernel";
import { sseEvents } from "@signalbox/kernel/http";
import type { ProviderKit } from "@signalbox/kernel/testkit";

/** What a provider can get wrong. Each must make a case of the kit fail. */
export type Defect =
  | "bufferedStream"
  | "chunkParser"
  | "dropsSilently"
  | "eager"
  | "endIsSuccess"
  | "exclusiveUsage"
  | "extraBodyLost"
  | "forgetsRetryAfter"
  | "headersLost"
  | "indexGap"
  | "keyInUrl"
  | "leaksKey"
  | "losesPictures"
  | "milliseconds"
  | "neverCloses"
  | "noSource"
  | "openPart"
  | "otherResult"
  | "publicModel"
  | "retries"
  | "sharedState"
  | "typeError";

interface Tokens {
  readonly in: number;
  readonly cached: number;
  readonly out: number;
}

interface Said {
  readonly kind: "words" | "call" | "thought";
  readonly text?: string;
  readonly id?: string;
  readonly name?: string;
}

interface Answer {
  readonly talk: string;
  readonly model: string;
  readonly at: number;
  readonly said: readonly Said[];
  readonly ended: "done" | "limit" | "call";
  readonly tokens: Tokens;
}

const ENDINGS: Readonly<Record<Answer["ended"], FinishReason>> = { done: "stop", limit: "length", call: "toolCalls" };
const CODES = {
  400: "invalid_request",
  401: "provider_auth_failed",
  404: "model_not_found",
  429: "provider_rate_limited",
};

function onlyText({ role, content }: Message): Message {
  return { role, content: content.filter(({ type }) => type === "text") };
}

/** The invented vendor "Parley" of these tests: JSON, or server-sent events `open`, `part`, `more`, `close`, `done`. */
export function parley(defect?: Defect): Provider {
  const shared = new ChatFold();

  function usage(tokens: Tokens): Usage {
    const input = defect === "exclusiveUsage" ? tokens.in : tokens.in + tokens.cached;
    return { inputTokens: input, cacheReadTokens: tokens.cached, outputTokens: tokens.out };
  }

  function failure(status: number, text: string, headers: Readonly<Record<string, unknown>>): GatewayError {
    const code = CODES[status as keyof typeof CODES] ?? (status === 503 ? "provider_overloaded" : "provider_error");
    const message = defect === "leaksKey" ? text : `Parley answered with status ${status}`;
    const seconds = headers["retry-after"];
    return new GatewayError(code as "provider_error", message, {
      ...(defect !== "noSource" && { source: "parley" }),
      upstreamStatus: status,
      retryAfterMs: defect === "forgetsRetryAfter" || seconds === undefined ? undefined : Number(seconds) * 1_000,
    });
  }

  function broken(cause: unknown): Error {
    if (defect === "typeError") return new TypeError("cannot read properties of undefined");
    return new GatewayError("provider_error", "Parley sent something that is no answer", { source: "parley", cause });
  }

  function request(attempt: Attempt<"chat">) {
    const { deployment } = attempt;
    const asked = attempt.request;
    const unsupported = asked.topK !== undefined && defect !== "dropsSilently" ? (["topK"] as const) : [];
    const chat = withoutParameters(asked, parametersToDrop(attempt, unsupported));
    const url = new URL(`${deployment.baseUrl}/talk`);
    const key = deployment.apiKey?.reveal() ?? "";
    if (defect === "keyInUrl") url.searchParams.set("key", key);
    return {
      method: "POST",
      origin: url.origin,
      path: `${url.pathname}${url.search}`,
      headers: [
        "content-type",
        "application/json",
        ...(defect === "keyInUrl" ? [] : ["parley-key", key]),
        ...(defect === "headersLost" ? [] : Object.entries(deployment.headers ?? {}).flat()),
      ],
      body: JSON.stringify({
        model: defect === "publicModel" ? chat.model : attempt.upstreamModel,
        turns: defect === "losesPictures" ? chat.messages.map(onlyText) : chat.messages,
        live: chat.stream === true,
        ...(defect !== "extraBodyLost" && deployment.extraBody),
      }),
    } as const;
  }

  async function* plain(attempt: Attempt<"chat">) {
    let response = await attempt.transport.send(request(attempt));
    if (defect === "retries" && response.status >= 500) response = await attempt.transport.send(request(attempt));
    const text = response.body.toString();
    if (response.status !== 200) throw failure(response.status, text, response.headers);
    let answer: Answer & { fault?: string };
    try {
      answer = JSON.parse(text) as Answer;
      if (answer.said === undefined) throw new Error("nothing was said");
    } catch (cause) {
      throw broken(cause);
    }
    return {
      id: answer.talk,
      model: answer.model,
      createdAt: defect === "milliseconds" ? answer.at * 1_000 : answer.at,
      choices: [
        {
          index: 0,
          content: answer.said.map((said) => part(said, said.text ?? "")),
          finishReason: ENDINGS[answer.ended],
        },
      ],
      usage: usage(answer.tokens),
    } satisfies ChatResult;
  }

  async function* streamed(attempt: Attempt<"chat">) {
    const stream = await attempt.transport.open(request(attempt));
    if (stream.status !== 200) throw failure(stream.status, (await stream.readAll()).toString(), stream.headers);
    const fold = defect === "sharedState" ? shared : new ChatFold();
    const kept: CanonicalChatEvent[] = [];
    const events = defect === "chunkParser" ? chunkEvents(stream) : sseEvents(stream);
    try {
      // Not for…of: that would close the stream.
      for (let step = await events.next(); step.done !== true; step = await events.next()) {
        const { event = "", data } = step.value;
        let canonical: CanonicalChatEvent[];
        try {
          canonical = decode(event, JSON.parse(data));
        } catch (cause) {
          throw broken(cause);
        }
        for (const one of canonical) {
          fold.push(one);
          if (defect === "bufferedStream") kept.push(one);
          else yield one;
        }
        if (event === "fault") throw broken(undefined);
      }
    } finally {
      if (defect !== "neverCloses") await events.return();
    }
    yield* kept;
    if (!fold.complete && defect !== "endIsSuccess") throw broken(undefined);
    const result = fold.result();
    return defect === "otherResult" ? { ...result, usage: { ...result.usage, outputTokens: 1 } } : result;
  }

  function decode(event: string, data: Answer & Said & { readonly part: number }): CanonicalChatEvent[] {
    const index = data.part;
    switch (event) {
      case "open":
        return [{ type: "replyStart", id: data.talk, model: data.model, createdAt: data.at }];
      case "part":
        return [
          { type: "partStart", choice: 0, index: defect === "indexGap" ? index * 2 : index, part: part(data, "") },
        ];
      case "more": {
        const type = data.kind === "call" ? "arguments" : data.kind === "thought" ? "reasoning" : "text";
        const at = defect === "indexGap" ? index * 2 : index;
        return [{ type: "partDelta", choice: 0, index: at, delta: { type, text: data.text ?? "" } }];
      }
      case "close":
        if (defect === "openPart") return [];
        return [{ type: "partEnd", choice: 0, index: defect === "indexGap" ? index * 2 : index }];
      case "done":
        return [
          { type: "choiceEnd", choice: 0, finishReason: ENDINGS[data.ended] },
          { type: "usageUpdate", usage: usage(data.tokens) },
        ];
      case "fault":
        return [];
      default:
        throw new Error(`unknown event ${event}`);
    }
  }

  return {
    name: "parley",
    operations: {
      chat(attempt) {
        if (attempt.signal.aborted) return failing(attempt.signal.reason);
        if (defect === "eager") void attempt.transport.send(request(attempt)).catch(() => undefined);
        return attempt.request.stream === true ? streamed(attempt) : plain(attempt);
      },
    },
  };
}

// biome-ignore lint/correctness/useYield: a reply that fails at once
async function* failing(reason: unknown): AsyncGenerator<never, never, void> {
  throw reason;
}

function part(said: Said, text: string): ChatResult["choices"][number]["content"][number] {
  if (said.kind === "call") return { type: "toolCall", id: said.id ?? "", name: said.name ?? "", arguments: text };
  return { type: said.kind === "thought" ? "reasoning" : "text", text };
}

/** Takes every chunk for whole events: works until the network cuts elsewhere. */
async function* chunkEvents(stream: AsyncIterable<Buffer> & { close(): void }) {
  try {
    for await (const chunk of stream) {
      for (const block of chunk.toString().split("\n\n").filter(Boolean)) {
        const [, event = "", data = ""] = /^event: (.*)\ndata: (.*)$/.exec(block) ?? [];
        yield { event, data };
      }
    }
  } finally {
    stream.close();
  }
}

function sse(...events: readonly (readonly [string, unknown])[]): string {
  return events.map(([event, data]) => `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`).join("");
}

interface Saying extends Said {
  readonly text: string;
}

/** One answer in both forms of the wire. */
function both(said: readonly Saying[], ended: Answer["ended"], tokens: Tokens) {
  const head = { talk: "t-1", model: "parley-1", at: 1_760_000_000 };
  const halves = (text: string): readonly string[] => [text.slice(0, text.length / 2), text.slice(text.length / 2)];
  return {
    reply: { body: { ...head, said, ended, tokens } },
    stream: {
      bodyText: sse(
        ["open", head],
        ...said.flatMap(({ text, ...fixed }, index): (readonly [string, unknown])[] => [
          ["part", { part: index, ...fixed }],
          ...halves(text).map((half) => ["more", { part: index, kind: fixed.kind, text: half }] as const),
          ["close", { part: index }],
        ]),
        ["done", { ended, tokens }],
      ),
    },
  };
}

const TOKENS: Tokens = { in: 9, cached: 0, out: 4 };
const USAGE: Usage = { inputTokens: 9, outputTokens: 4 };
const PARIS = { kind: "call", id: "c-1", name: "get_weather", text: '{"city":"Paris"}' } as const;
const OSLO = { kind: "call", id: "c-2", name: "get_weather", text: '{"city":"Oslo"}' } as const;

function fault(status: number): { readonly exchange: { readonly status: number; readonly body: unknown } } {
  return { exchange: { status, body: { fault: { message: "no" } } } };
}

export const PARLEY_WIRE: ProviderKit["wire"] = {
  chat: {
    text: {
      ...both([{ kind: "words", text: "Grüß Gott, 世界 🌍!" }], "done", TOKENS),
      expected: { text: "Grüß Gott, 世界 🌍!", finishReason: "stop", usage: USAGE },
    },
    toolCall: {
      ...both([PARIS], "call", TOKENS),
      expected: {
        toolCalls: [{ id: "c-1", name: "get_weather", arguments: { city: "Paris" } }],
        finishReason: "toolCalls",
        usage: USAGE,
      },
    },
    parallelToolCalls: {
      ...both([PARIS, OSLO], "call", TOKENS),
      expected: {
        toolCalls: [
          { id: "c-1", name: "get_weather", arguments: { city: "Paris" } },
          { name: "get_weather", arguments: { city: "Oslo" } },
        ],
        finishReason: "toolCalls",
        usage: USAGE,
      },
    },
    reasoning: {
      ...both(
        [
          { kind: "thought", text: "They want a greeting." },
          { kind: "words", text: "Hi." },
        ],
        "done",
        TOKENS,
      ),
      expected: { reasoning: "They want a greeting.", text: "Hi.", finishReason: "stop", usage: USAGE },
    },
    cachedUsage: {
      ...both([{ kind: "words", text: "Hi." }], "done", { in: 9, cached: 100, out: 4 }),
      expected: {
        text: "Hi.",
        finishReason: "stop",
        usage: { inputTokens: 109, cacheReadTokens: 100, outputTokens: 4 },
      },
    },
    length: {
      ...both([{ kind: "words", text: "Once upon" }], "limit", TOKENS),
      expected: { text: "Once upon", finishReason: "length", usage: USAGE },
    },
  },
  errors: {
    badRequest: fault(400),
    unauthorized: fault(401),
    notFound: fault(404),
    rateLimited: fault(429),
    serverError: fault(500),
    overloaded: fault(503),
    inBody: { exchange: { body: { fault: { message: "no" } } } },
    inStream: {
      exchange: {
        bodyText: sse(["open", { talk: "t", model: "m", at: 1 }], ["fault", { message: "no" }]),
      },
    },
  },
  unsupported: { request: { topK: 4 }, parameter: "top_k" },
};

export const PARLEY_CAPABILITIES: NonNullable<ProviderKit["capabilities"]> = {
  refusal: false,
  contextLength: false,
  contentPolicy: false,
  listModels: false,
};

/** For kit cases without network. */
export function scripted(result: ChatResult): Provider {
  return {
    name: "scripted",
    operations: {
      async *chat(attempt) {
        attempt.signal.throwIfAborted();
        if (attempt.request.stream === true) yield* resultEvents(result);
        return result;
      },
    },
  };
}
