import { describe, expect, it } from "vitest";
import { resultOf } from "@signalbox/kernel";
import type { Exchange } from "@signalbox/kernel/testkit";
import { testAttempt, testProvider } from "@signalbox/kernel/testkit";
import { parley } from "../src/parley.ts";

function sse(...events: readonly (readonly [name: string, data: object])[]): Exchange {
  return { bodyText: events.map(([name, data]) => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`).join("") };
}

const open = ["open", { talk: "t-1", speaker: "orator-2", at: 1_760_000_000 }] as const;

function speech(because: string, counted: object, ...words: readonly string[]): Exchange {
  return sse(open, ...words.map((one) => ["say", { words: one }] as const), ["close", { because, counted }]);
}

/** Parley answers plain and streamed requests alike. */
function both(exchange: Exchange): { readonly reply: Exchange; readonly stream: Exchange } {
  return { reply: exchange, stream: exchange };
}

function fault(status: number, word: string, says: string): { readonly exchange: Exchange; readonly message: string } {
  return { exchange: { status, body: { fault: { word, says } } }, message: says };
}

testProvider({
  runner: { describe, it },
  provider: () => parley(),
  wire: {
    chat: {
      text: {
        ...both(speech("done", { heard: 7, said: 5 }, "Grüße", ", ", "世界 🌍", "!")),
        expected: { text: "Grüße, 世界 🌍!", finishReason: "stop", usage: { inputTokens: 7, outputTokens: 5 } },
      },
      cachedUsage: {
        ...both(speech("done", { heard: 7, reheard: 90, said: 1 }, "Yes.")),
        expected: {
          text: "Yes.",
          finishReason: "stop",
          usage: { inputTokens: 97, cacheReadTokens: 90, outputTokens: 1 },
        },
      },
      length: {
        ...both(speech("full", { heard: 7, said: 5 }, "Once upon a")),
        expected: { text: "Once upon a", finishReason: "length", usage: { inputTokens: 7, outputTokens: 5 } },
      },
    },
    errors: {
      badRequest: fault(400, "garbled", "a turn has no words"),
      unauthorized: fault(401, "stranger", "who are you?"),
      notFound: fault(404, "absent", "no such speaker"),
      rateLimited: fault(429, "busy", "one speech at a time"),
      serverError: fault(500, "hoarse", "lost my voice"),
      overloaded: fault(503, "crowded", "the hall is full"),
      contextLength: { ...fault(400, "too_long", "we have not got all day") },
      inBody: { exchange: sse(["fault", { fault: { word: "hoarse", says: "lost my voice" } }]) },
      inStream: { exchange: sse(open, ["fault", { fault: { word: "hoarse", says: "lost my voice" } }]) },
    },
    unsupported: { request: { topK: 4 }, parameter: "top_k" },
  },
  capabilities: {
    toolCall: false,
    parallelToolCalls: false,
    reasoning: false,
    refusal: false,
    contentPolicy: false,
    listModels: false,
  },
});

it("refuses what is not text instead of leaving it out", async () => {
  const image = { type: "image", source: { type: "url", url: "https://example.com/1.png" } } as const;
  const attempt = testAttempt({
    operation: "chat",
    request: { model: "m", messages: [{ role: "user", content: [image] }] },
  });
  const reply = parley().operations.chat?.(attempt);
  if (reply === undefined) throw new Error("Parley chats");
  await expect(resultOf(reply)).rejects.toMatchObject({ code: "invalid_request", param: "messages" });
});
