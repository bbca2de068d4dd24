import { describe, expect, it } from "vitest";
import { GatewayError } from "@signalbox/kernel";
import { memoryCache } from "@signalbox/kernel/testkit";
import { failWith, textEvents, textResult } from "../support/scripted-provider.ts";
import { ask, asking, cachingGateway, headerOf, read, TEAM } from "./caching-gateway.ts";

describe("an answer", () => {
  it("is served again, with its age and key, to whoever asks the same in the same team", async () => {
    const { gateway, asked } = await cachingGateway();
    const first = await ask(gateway);
    expect([first.text, first.outcome]).toEqual(["answer 1", "miss"]);
    const again = await ask(gateway, {}, { principal: { ...TEAM, id: "key-2" } });
    expect([again.text, again.outcome]).toEqual(["answer 1", "hit"]);
    expect(again.header("x-signalbox-cache-age")).toBe("0");
    expect(again.header("x-signalbox-cache-key")).toMatch(/^[\w-]{43}$/);
    expect(asked).toHaveLength(1);
  });

  it("is nobody else's: not of another team, nor of a key without a team", async () => {
    const { gateway } = await cachingGateway();
    const alone = { id: "key-3", kind: "key", admin: false, models: ["*"] } as const;
    const texts: string[] = [];
    for (const principal of [TEAM, { ...TEAM, teamId: "team-2" }, { ...TEAM, organizationId: "org-2" }, alone]) {
      texts.push((await ask(gateway, {}, { principal })).text);
    }
    expect(texts).toEqual(["answer 1", "answer 2", "answer 3", "answer 4"]);
  });

  it.each([
    ["key", ["answer 1", "answer 2", "answer 3"]],
    ["team", ["answer 1", "answer 1", "answer 2"]],
    ["organization", ["answer 1", "answer 1", "answer 1"]],
    ["gateway", ["answer 1", "answer 1", "answer 1"]],
  ] as const)("is shared within the scope %s", async (scope, texts) => {
    const { gateway } = await cachingGateway({ policy: { scope } });
    const others = [TEAM, { ...TEAM, id: "key-2" }, { ...TEAM, id: "key-3", teamId: "team-2" }];
    const found: string[] = [];
    for (const principal of others) found.push((await ask(gateway, {}, { principal })).text);
    expect(found).toEqual(texts);
  });

  it("to a stream serves a plain request, and the other way round", async () => {
    const { gateway, asked } = await cachingGateway();
    expect((await ask(gateway, { stream: true })).outcome).toBe("miss");
    expect((await ask(gateway)).outcome).toBe("hit");
    expect((await ask(gateway, { stream: true })).outcome).toBe("hit");
    expect(asked).toHaveLength(1);
  });

  it.each(["length", "contentFilter"] as const)(
    "that ended with %s is not kept, and the trace says so",
    async (finishReason) => {
      const { gateway, asked } = await cachingGateway({
        script: async function* () {
          const { choices, ...rest } = textResult("cut");
          return { ...rest, choices: choices.map((choice) => ({ ...choice, finishReason })) };
        },
      });
      const open = asking(gateway);
      await read(open);
      expect(open.call.trace.notes).toContainEqual({ stage: "cache", text: `not kept: it ended with ${finishReason}` });
      expect((await ask(gateway)).outcome).toBe("miss");
      expect(asked).toHaveLength(2);
    },
  );

  it("of a stream that breaks is not kept", async () => {
    let broken = true;
    const { gateway } = await cachingGateway({
      script: async function* () {
        yield* textEvents(["a", "b"]).slice(0, 3);
        if (broken) throw new GatewayError("provider_error", "broke");
        return textResult("ab");
      },
    });
    await expect(ask(gateway, { stream: true })).rejects.toMatchObject({ code: "provider_error" });
    broken = false;
    expect((await ask(gateway)).outcome).toBe("miss");
  });

  it("is forgotten after its time", async () => {
    const { gateway, skip } = await cachingGateway({ policy: { ttlMs: 1_000 } });
    await ask(gateway);
    skip(900);
    expect((await ask(gateway)).outcome).toBe("hit");
    skip(200);
    expect((await ask(gateway)).outcome).toBe("miss");
  });
});

describe("what a request wants", () => {
  const wish = (cache: object) => ({ extensions: { cache } });

  it("no-cache reads nothing and keeps the new answer", async () => {
    const { gateway } = await cachingGateway();
    await ask(gateway);
    const anew = await ask(gateway, {}, wish({ "no-cache": true }));
    expect([anew.text, anew.outcome, anew.reason]).toEqual(["answer 2", "miss", "the request does not want to read"]);
    expect((await ask(gateway)).text).toBe("answer 2");
  });

  it("no-store keeps nothing, and reads", async () => {
    const { gateway } = await cachingGateway();
    await ask(gateway, {}, wish({ "no-store": true }));
    expect((await ask(gateway)).text).toBe("answer 2");
    expect((await ask(gateway, {}, wish({ "no-store": true }))).text).toBe("answer 2");
  });

  it("both pass the cache by, and the header says why", async () => {
    const { gateway } = await cachingGateway();
    const { outcome, reason } = await ask(gateway, {}, wish({ "no-store": true, "no-cache": true }));
    expect([outcome, reason]).toEqual(["bypass", "the request wants neither to read nor to write"]);
  });

  it.each([
    [2, 2_000],
    [100, 5_000],
  ])("ttl %i keeps the answer for %i ms: as long as it says, up to the gateway's most", async (ttl, lifeMs) => {
    const { gateway, skip } = await cachingGateway({ policy: { mostTtlMs: 5_000 } });
    await ask(gateway, {}, wish({ ttl }));
    skip(lifeMs - 200);
    expect((await ask(gateway)).outcome).toBe("hit");
    skip(201);
    expect((await ask(gateway)).outcome).toBe("miss");
  });

  it.each(["s-maxage", "s-max-age"])("%s is how old a found answer may be", async (name) => {
    const kept = memoryCache();
    const { gateway } = await cachingGateway({
      cache: {
        ...kept,
        keep: (call, recording) => kept.keep(call, { ...recording, storedAt: recording.storedAt - 10_000 }),
      },
    });
    await ask(gateway);
    expect((await ask(gateway, {}, wish({ [name]: 11 }))).outcome).toBe("hit");
    expect((await ask(gateway, {}, wish({ [name]: 9 }))).outcome).toBe("miss");
  });

  it("a namespace is a cache of its own", async () => {
    const { gateway } = await cachingGateway();
    const one = wish({ namespace: "one" });
    expect((await ask(gateway, {}, one)).text).toBe("answer 1");
    expect((await ask(gateway)).text).toBe("answer 2");
    expect((await ask(gateway, {}, one)).text).toBe("answer 1");
  });

  it("use-cache asks for it where nothing is cached by itself", async () => {
    const { gateway } = await cachingGateway({ policy: { mode: "off" } });
    const { outcome, reason } = await ask(gateway);
    expect([outcome, reason]).toEqual(["bypass", "only for requests that say use-cache"]);
    await ask(gateway, {}, wish({ "use-cache": true }));
    expect((await ask(gateway, {}, wish({ "use-cache": true }))).outcome).toBe("hit");
  });

  it.each([
    ["no-cache", { outcome: "miss" }],
    ["No-Store, no-cache", { outcome: "bypass" }],
    ["max-age=3600, private", { outcome: "hit" }],
    ["something-else", { outcome: "hit" }],
  ])("the header cache-control: %s", async (cacheControl, expected) => {
    const { gateway } = await cachingGateway();
    await ask(gateway);
    expect(await ask(gateway, {}, { cacheControl })).toMatchObject(expected);
  });

  it.each([
    [{ ttl: "60" }, "cache.ttl", "cache.ttl must be a number of seconds of at least 0"],
    [{ ttl: -1 }, "cache.ttl", "cache.ttl must be a number of seconds of at least 0"],
    [{ "no-cache": "yes" }, "cache.no-cache", "cache.no-cache must be true or false"],
    [{ namespace: "a b" }, "cache.namespace", "cache.namespace must be 1 to 128 letters, digits and . : _ -"],
    [{ "no-chache": true }, "cache.no-chache", 'cache has no member "no-chache". Did you mean "no-cache"'],
    ["yes", "cache", "cache must be an object"],
  ])("%j is refused, naming the member", async (cache, param, message) => {
    const { gateway } = await cachingGateway();
    await expect(ask(gateway, {}, { extensions: { cache } })).rejects.toMatchObject({
      code: "invalid_request",
      param,
      message: expect.stringContaining(message),
    });
  });

  it("is refused where the key was not granted it; a header is passed over", async () => {
    const { gateway } = await cachingGateway();
    const principal = { ...TEAM, cacheControls: ["ttl"] };
    await ask(gateway, {}, { principal, ...wish({ ttl: 60 }) });
    await expect(ask(gateway, {}, { principal, ...wish({ "no-cache": true }) })).rejects.toMatchObject({
      code: "route_not_allowed",
      param: "cache.no-cache",
    });
    expect((await ask(gateway, {}, { principal, cacheControl: "no-cache" })).outcome).toBe("hit");
  });
});

describe("what is not cached", () => {
  const serverTool = { type: "server", origin: "openai", name: "web_search", value: {} };
  it.each([
    ["a tool that looks outside", { tools: [serverTool] }, "a tool that the provider runs looks at the world outside"],
    [
      "a conversation that the provider keeps",
      { extra: { openai: { previous_response_id: "resp_1" } } },
      "previous_response_id refers to something that the provider keeps",
    ],
  ])("%s", async (_name, fields, because) => {
    const { gateway } = await cachingGateway();
    await ask(gateway, fields);
    const { text, outcome, reason } = await ask(gateway, fields);
    expect([text, outcome, reason]).toEqual(["answer 2", "bypass", because]);
  });

  it("operations that the policy leaves out", async () => {
    const { gateway } = await cachingGateway({ policy: { operations: ["embed"] } });
    const { outcome, reason } = await ask(gateway);
    expect([outcome, reason]).toEqual(["bypass", "answers of chat are not cached"]);
  });
});

describe("a cache that fails", () => {
  it("costs nothing but a note", async () => {
    const down = async () => {
      throw new Error("down");
    };
    const { gateway, asked } = await cachingGateway({ cache: { find: down, keep: down, forget: down, claim: down } });
    const open = asking(gateway);
    expect((await read(open)).text).toBe("answer 1");
    expect(open.call.trace.notes).toContainEqual({ stage: "cache", text: "the cache could not be read" });
    expect((await ask(gateway)).text).toBe("answer 2");
    expect(asked).toHaveLength(2);
  });
});

it("what is being kept is kept before the gateway closes", async () => {
  const kept = memoryCache();
  const { gateway } = await cachingGateway({
    cache: {
      ...kept,
      close: async () => undefined,
      async keep(call, recording) {
        await new Promise((resolve) => setTimeout(resolve, 20));
        await kept.keep(call, recording);
      },
    },
  });
  const open = asking(gateway);
  await read(open);
  await gateway.close();
  expect(await kept.find(open.call)).toBeDefined();
});

describe("a stale answer", () => {
  it("is served once more while it is asked for anew, and then the new one is", async () => {
    const { gateway, asked } = await cachingGateway({ policy: { ttlMs: 20, staleMs: 60_000 } });
    await ask(gateway);
    await new Promise((resolve) => setTimeout(resolve, 30));
    const stale = await Promise.all([ask(gateway), ask(gateway)]);
    expect(stale.map(({ text, outcome }) => [text, outcome])).toEqual([
      ["answer 1", "stale"],
      ["answer 1", "stale"],
    ]);
    await expect.poll(() => asked.length).toBe(2);
    await new Promise((resolve) => setImmediate(resolve));
    expect((await ask(gateway)).text).toBe("answer 2");
    expect(asked).toHaveLength(2);
  });

  it("stays when asking anew fails", async () => {
    let calls = 0;
    const { gateway } = await cachingGateway({
      policy: { ttlMs: 10, staleMs: 60_000 },
      script: async function* () {
        calls += 1;
        if (calls > 1) return yield* failWith(new GatewayError("provider_error", "down"));
        return textResult("first");
      },
    });
    await ask(gateway);
    await new Promise((resolve) => setTimeout(resolve, 15));
    expect((await ask(gateway)).text).toBe("first");
    await expect.poll(() => calls).toBe(2);
    expect((await ask(gateway)).text).toBe("first");
  });
});

describe("vectors", () => {
  const embed = (gateway: Awaited<ReturnType<typeof cachingGateway>>["gateway"], inputs: readonly string[]) =>
    gateway.open({ operation: "embed", request: { model: "shop/m", inputs }, principal: TEAM });
  const vectors = async (open: ReturnType<typeof embed>) => {
    const step = await open.reply.next();
    if (step.done !== true) throw new Error("an embed reply has no events");
    return {
      ...step.value,
      outcome: headerOf(open)("x-signalbox-cache"),
      reason: headerOf(open)("x-signalbox-cache-reason"),
    };
  };

  it("are kept one by one: only missing inputs are asked for, in their places", async () => {
    const { gateway, asked } = await cachingGateway();
    const first = await vectors(embed(gateway, ["a", "bb"]));
    expect(first).toMatchObject({
      embeddings: [
        [1, 1],
        [1, 2],
      ],
      usage: { inputTokens: 20 },
      outcome: "miss",
    });
    const second = await vectors(embed(gateway, ["ccc", "a", "dddd", "bb"]));
    expect(second).toMatchObject({
      embeddings: [
        [2, 3],
        [1, 1],
        [2, 4],
        [1, 2],
      ],
      usage: { inputTokens: 20 },
      outcome: "partial",
      reason: "2 of 4 were there",
    });
    expect(asked[1]).toMatchObject({ inputs: ["ccc", "dddd"] });
    const third = await vectors(embed(gateway, ["bb", "ccc"]));
    expect(third).toMatchObject({
      embeddings: [
        [1, 2],
        [2, 3],
      ],
      usage: { inputTokens: 0, outputTokens: 0 },
      outcome: "hit",
    });
    expect((await vectors(embed(gateway, ["dddd"]))).embeddings).toEqual([[2, 4]]);
    expect(asked).toHaveLength(2);
  });
});
