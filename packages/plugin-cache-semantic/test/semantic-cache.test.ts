import { afterEach, describe, expect, it } from "vitest";
import type { Cache, ChatRequest, Gateway, Message, Plugin, Principal, Provider } from "@signalbox/kernel";
import { createGateway, GatewayError, replyOf } from "@signalbox/kernel";
import { testCache } from "@signalbox/kernel/testkit";
import { MemoryIndex, semanticCache } from "@signalbox/plugin-cache-semantic";

const open: Gateway[] = [];

afterEach(async () => {
  for (const gateway of open.splice(0)) await gateway.close();
});

const usage = { inputTokens: 1, outputTokens: 1 };

/** Counts words of a few meanings: questions with the same meanings in the same numbers are alike. */
const MEANINGS = [/capital|seat of government/i, /france|french/i, /italy|italian/i, /weather|rain/i, /./];

function meaning(text: string): readonly number[] {
  return MEANINGS.map((word, at) => (word.test(text) ? (at === MEANINGS.length - 1 ? 0.1 : 1) : 0));
}

interface Served {
  readonly gateway: Gateway;
  readonly plugin: Plugin;
  /** How often the chat model and the embedding model were asked. */
  readonly asked: { chat: number; embed: number };
  embeddings: "up" | "down" | "slow";
}

async function served(
  threshold: number = 0.95,
  more: Partial<Parameters<typeof semanticCache>[0]> = {},
): Promise<Served> {
  const asked = { chat: 0, embed: 0 };
  const plugin = semanticCache({ embeddingModel: "shop/words", threshold, ...more });
  const state: Served = { gateway: undefined as unknown as Gateway, plugin, asked, embeddings: "up" };
  const shop: Provider = {
    name: "shop",
    operations: {
      chat: () =>
        replyOf<"chat">(() => {
          asked.chat += 1;
          const content = [{ type: "text", text: `answer ${asked.chat}` }] as const;
          return { id: "r", model: "m", createdAt: 1, choices: [{ index: 0, content, finishReason: "stop" }], usage };
        }),
      embed: ({ request, signal }) =>
        replyOf<"embed">(async () => {
          asked.embed += 1;
          if (state.embeddings === "down") throw new GatewayError("provider_error", "down");
          if (state.embeddings === "slow") {
            await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
          }
          return { model: "words", embeddings: request.inputs.map((text) => meaning(String(text))), usage };
        }),
    },
  };
  const gateway = await createGateway({ plugins: [{ name: "vendors", providers: [shop] }, plugin] });
  open.push(gateway);
  return Object.assign(state, { gateway });
}

const TEAM: Principal = { id: "k", kind: "key", admin: false, models: ["shop/m"], teamId: "t" };

function user(text: string): Message {
  return { role: "user", content: [{ type: "text", text }] };
}

async function ask(
  { gateway }: Served,
  question: string,
  fields: Partial<ChatRequest> = {},
  principal: Principal = TEAM,
): Promise<{ text: string; outcome: string | undefined; similarity: string | undefined }> {
  const { call, reply } = gateway.open({
    operation: "chat",
    request: { model: "shop/m", messages: [user(question)], ...fields },
    principal,
  });
  const step = await reply.next();
  if (step.done !== true) throw new Error("no events were expected");
  const [part] = step.value.choices[0]?.content ?? [];
  const { headers = [] } = call.trace;
  const header = (name: string): string | undefined => headers[headers.indexOf(name) + 1];
  return {
    text: part?.type === "text" ? part.text : "",
    outcome: headers.includes("x-signalbox-cache") ? header("x-signalbox-cache") : undefined,
    similarity: headers.includes("x-signalbox-semantic-similarity")
      ? header("x-signalbox-semantic-similarity")
      : undefined,
  };
}

describe("the semantic cache", () => {
  testCache({
    runner: { describe, it },
    cache: async () => (await served()).plugin.cache as Cache,
    expire(cache) {
      return cache.clear?.({}).then(() => undefined);
    },
    unreachable: async () => {
      const state = await served();
      state.embeddings = "down";
      return state.plugin.cache as Cache;
    },
    capabilities: { exact: false },
  });
});

describe("a question", () => {
  it("that means the same gets the answer of the first, with the similarity", async () => {
    const state = await served();
    expect((await ask(state, "What is the capital of France?")).outcome).toBe("miss");
    expect(await ask(state, "Name the French seat of government.")).toEqual({
      text: "answer 1",
      outcome: "hit",
      similarity: "1.0000",
    });
    expect(state.asked.chat).toBe(1);
  });

  it("that means something else is asked", async () => {
    const state = await served();
    await ask(state, "What is the capital of France?");
    expect((await ask(state, "What is the capital of Italy?")).text).toBe("answer 2");
    expect((await ask(state, "Will it rain?")).text).toBe("answer 3");
  });

  it("is as near as the threshold says, and no less", async () => {
    // "capital france" and "capital" have the cosine 1.01 / sqrt(2.01 * 1.01) = 0.7089
    const far = await served(0.71);
    await ask(far, "capital France");
    expect((await ask(far, "capital")).outcome).toBe("miss");
    const near = await served(0.7);
    await ask(near, "capital France");
    expect((await ask(near, "capital")).similarity).toBe("0.7089");
  });

  it.each([
    [
      "another system prompt",
      { messages: [{ role: "system", content: [{ type: "text", text: "Rhyme." }] }, user("capital France")] },
    ],
    ["an earlier turn", { messages: [user("Hi"), user("capital France")] }],
    [
      "a picture beside it",
      {
        messages: [
          {
            role: "user",
            content: [
              { type: "text", text: "capital France" },
              { type: "image", source: { type: "url", url: "https://example.com/1.png" } },
            ],
          },
        ],
      },
    ],
    ["a tool", { tools: [{ type: "function", name: "f" }] }],
    ["another temperature", { temperature: 0.5 }],
  ] as const)("with %s is another one", async (_name, fields) => {
    const state = await served();
    await ask(state, "capital France");
    expect((await ask(state, "capital France", fields as Partial<ChatRequest>)).outcome).toBe("miss");
  });

  it("of another tenant is never answered with the first one's", async () => {
    const state = await served();
    await ask(state, "capital France");
    expect((await ask(state, "capital France", {}, { ...TEAM, teamId: "t2" })).outcome).toBe("miss");
  });

  it("that goes on after an answer of a tool is not compared", async () => {
    const state = await served();
    const messages: Message[] = [
      user("capital"),
      { role: "assistant", content: [{ type: "toolCall", id: "c1", name: "f", arguments: "{}" }] },
      { role: "tool", content: [{ type: "toolResult", id: "c1", content: [{ type: "text", text: "x" }] }] },
    ] as Message[];
    await ask(state, "", { messages });
    expect(state.asked.embed).toBe(0);
  });

  it("that is too long is not compared", async () => {
    const state = await served(0.9, { maxQuestionLength: 10 });
    await ask(state, "capital of France");
    expect(state.asked.embed).toBe(0);
  });
});

describe("the embedding model", () => {
  it("is asked once for a question, whether it is found or kept", async () => {
    const state = await served();
    await ask(state, "capital France");
    expect(state.asked.embed).toBe(1);
  });

  it("needs no grant", async () => {
    const state = await served();
    expect(TEAM.models).not.toContain("shop/words");
    expect((await ask(state, "capital France")).outcome).toBe("miss");
    expect((await ask(state, "capital France")).outcome).toBe("hit");
  });

  it("that is down costs no call its answer, is left alone for a while, and is seen in readiness", async () => {
    const state = await served();
    state.embeddings = "down";
    expect((await ask(state, "capital France")).text).toBe("answer 1");
    expect((await ask(state, "capital France")).text).toBe("answer 2");
    expect(state.asked.embed).toBe(1);
    const { components } = await state.gateway.health();
    expect(components).toContainEqual({
      name: "cache-semantic",
      ok: true,
      detail: "nothing is found: the embedding model answered with provider_error",
    });
  });

  it("that is slow is waited for no longer than the time limit", async () => {
    const state = await served(0.9, { timeoutMs: 30 });
    state.embeddings = "slow";
    const startedAt = performance.now();
    expect((await ask(state, "capital France")).text).toBe("answer 1");
    expect(performance.now() - startedAt).toBeLessThan(1_000);
  });

  it("that nobody serves stops the start", async () => {
    await expect(
      createGateway({ plugins: [semanticCache({ embeddingModel: "nowhere", threshold: 0.9 })] }),
    ).rejects.toMatchObject({ code: "option_invalid", param: "embeddingModel" });
  });
});

describe("the index in memory", () => {
  const recording = { operation: "chat", result: {} as never, storedAt: Date.now() } as const;
  const vector = (...numbers: number[]) => Float32Array.from(numbers);

  it("holds so many and lets the oldest go", async () => {
    const index = new MemoryIndex(2);
    await index.add("a", vector(1, 0), recording);
    await index.add("a", vector(0, 1), recording);
    await index.add("b", vector(1, 0), recording);
    expect(await index.size()).toBe(2);
    expect((await index.nearest("a", vector(1, 0)))?.similarity).toBe(0);
    expect((await index.nearest("b", vector(1, 0)))?.similarity).toBe(1);
  });

  it("keeps the newest answer to the same question", async () => {
    const index = new MemoryIndex();
    await index.add("a", vector(1, 0), recording);
    await index.add("a", vector(1, 0), { ...recording, storedAt: recording.storedAt + 1 });
    expect(await index.size()).toBe(1);
    expect((await index.nearest("a", vector(1, 0)))?.recording.storedAt).toBe(recording.storedAt + 1);
  });

  it("finds nothing that has expired, and nothing of another dimension", async () => {
    const index = new MemoryIndex();
    await index.add("a", vector(1, 0), { ...recording, expiresAt: Date.now() - 1 });
    await index.add("b", vector(1, 0), recording);
    expect(await index.nearest("a", vector(1, 0))).toBeUndefined();
    expect((await index.nearest("b", vector(1, 0, 0)))?.similarity ?? -1).toBeLessThan(0);
  });
});

it.each([
  [{ embeddingModel: "m" }, '"threshold"'],
  [{ embeddingModel: "m", threshold: 0 }, '"threshold"'],
  [{ embeddingModel: "m", threshold: 1.1 }, '"threshold"'],
  [{ embeddingModel: "m", treshold: 0.9, threshold: 0.9 }, 'there is no option "treshold". Did you mean "threshold"'],
])("the options %j are refused", (options, message) => {
  expect(() => semanticCache(options as never)).toThrow(message);
});
