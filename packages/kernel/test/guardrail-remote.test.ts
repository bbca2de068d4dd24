import { describe, expect, it } from "vitest";
import type { Judgement, RemoteGuardrailOptions, RemoteQuestion, TextJudge } from "../src/guardrail/remote/index.ts";
import { balancedGuardrail, remoteGuardrail, remotePlugin, utf16Offsets } from "../src/guardrail/remote/index.ts";
import { createTransport } from "../src/http/index.ts";
import type { Guardrail } from "../src/index.ts";
import { ALLOW, createGateway, guardrailLayer, replyOf, resultOf } from "../src/index.ts";
import { replayServer, testCall, testGuardrail, testRemoteGuardrail } from "../src/testkit/index.ts";
import { failuresOf, fakeRunner } from "./testkit/fake-runner.ts";

const user = (text: string) => [{ role: "user" as const, content: [{ type: "text" as const, text }] }];
const asked = (...texts: readonly string[]) =>
  testCall({ operation: "chat", request: { model: "m", messages: texts.flatMap(user) } });

/** A judge that takes down what it is asked. */
function judge(
  say: (text: string, question: RemoteQuestion) => Judgement | Promise<Judgement>,
  options: Omit<Partial<TextJudge>, "judge"> = {},
): TextJudge & { readonly heard: string[][] } {
  const heard: string[][] = [];
  return {
    ...options,
    heard,
    async judge(texts, question) {
      heard.push([...texts]);
      return await Promise.all(texts.map((text) => say(text, question)));
    },
  };
}

function made(one: TextJudge, options: Partial<RemoteGuardrailOptions> = {}): Guardrail {
  return remoteGuardrail({ name: "judge", ...options }, one).guardrail;
}

/** Finds the word, and says so of each text that holds it. */
const finds =
  (word: string) =>
  (text: string): Judgement => ({
    findings: [...text.matchAll(new RegExp(word, "g"))].map(({ index }) => ({
      start: index,
      end: index + word.length,
      kind: "word",
    })),
  });

describe("places in code points", () => {
  it.each(["", "abc", "👋 Ada", "a👩‍👩‍👧b世", "\ud83d lone \udc4b", "🌍".repeat(50)])("of %j", (text) => {
    const place = utf16Offsets(text);
    let units = 0;
    for (const [points, character] of [...text].entries()) {
      expect(place(points)).toBe(units);
      units += character.length;
    }
    expect(place([...text].length)).toBe(text.length);
  });
});

describe("texts that a service has rewritten", () => {
  const rewrite = (pairs: Readonly<Record<string, string>>) =>
    judge((text) => ({ text: Object.entries(pairs).reduce((rest, [from, to]) => rest.replaceAll(from, to), text) }));

  it.each([
    ["I am Ada, 36.", { Ada: "[NAME]", "36": "[AGE]" }, "I am [NAME], [AGE]."],
    ["Ada", { Ada: "" }, ""],
    ["a b", { " ": " 👋 " }, "a 👋 b"],
    ["x", { x: "y y y" }, "y y y"],
    ["same", {}, "same"],
  ])("%j, %j: %j", async (text, pairs, expected) => {
    const verdict = await made(rewrite(pairs)).checkRequest?.(asked(text));
    if (text === expected) expect(verdict).toEqual(ALLOW);
    else expect(verdict).toMatchObject({ action: "rewrite", value: { messages: user(expected) } });
  });

  it("stay JSON, where they are arguments of a tool", async () => {
    const call = testCall({
      operation: "chat",
      request: {
        model: "m",
        messages: [
          {
            role: "assistant",
            content: [{ type: "toolCall", id: "c", name: "mail", arguments: '{"to":"Ada \\"A\\"","cc":"Bob","n":7}' }],
          },
        ],
      },
    });
    const verdict = await made(rewrite({ Ada: '"nobody"', Bob: "x", "7": "seven" })).checkRequest?.(call);
    if (verdict?.action !== "rewrite") throw new Error("it was not rewritten");
    const [part] = verdict.value.messages[0]?.content ?? [];
    expect(JSON.parse(part?.type === "toolCall" ? part.arguments : "")).toEqual({
      to: '"nobody" "A"',
      cc: "x",
      n: "seven",
    });
  });
});

describe("a stream", () => {
  testGuardrail({
    runner: { describe, it },
    guardrail: () =>
      made(judge(finds("needle")), { action: "mask", windowCharacters: 32, overlapCharacters: 16, cache: false }),
    masked: [30, 31, 32, 33, 63, 64, 95].map((place) => ({
      text: `${"👋".repeat(place / 2)}needle${"ab ".repeat(60)}`,
      released: `${"👋".repeat(place / 2)}[WORD]${"ab ".repeat(60)}`,
    })),
    requests: [{ messages: user("a needle"), expected: user("a [WORD]") }],
    unreachable: () => made(judge(() => Promise.reject(new Error("down")))),
    capabilities: { blocks: false },
  });

  it("is judged in pieces that do not depend on how it arrives, with their neighbours", async () => {
    const text = "0123456789".repeat(20);
    const pieces = async (size: number) => {
      const one = judge(() => ({}));
      const guardrail = made(one, { windowCharacters: 64, overlapCharacters: 8, cache: false });
      const call = asked("hello");
      let [before, pending] = ["", ""];
      for (let at = 0; at <= text.length; at += size) {
        pending += text.slice(at, at + size);
        const final = at + size >= text.length;
        const window = { text: pending, before: before.slice(-256), final, choice: 0, kind: "text" } as const;
        const verdict = await guardrail.checkWindow?.(call as never, window);
        if (verdict?.action !== "release") throw new Error("it was not released");
        before += pending.slice(0, verdict.consume);
        pending = pending.slice(verdict.consume);
        if (final) break;
      }
      expect(before).toBe(text);
      return one.heard.flat();
    };
    const expected = [text.slice(0, 72), text.slice(56, 136), text.slice(120)];
    for (const size of [1, 7, 50, 130]) expect(await pieces(size), `pieces of ${size}`).toEqual(expected);
  });
});

describe("many texts", () => {
  it("that are short are put together where each would be a question of its own", async () => {
    const one = judge(finds("needle"), { maxCharacters: 300 });
    const texts = [...Array(60).keys()].map((at) => (at === 33 ? "the needle" : `text ${at}`));
    const verdict = await made(one, { action: "mask" }).checkRequest?.(asked(...texts));
    expect(verdict).toMatchObject({
      value: { messages: texts.map((text) => text.replace("needle", "[WORD]")).flatMap(user) },
    });
    expect(one.heard.length).toBeLessThan(5);
    expect(one.heard.flat().every((text) => text.length <= 300)).toBe(true);
  });

  it("are not more than a service takes, and at most eight questions run at once", async () => {
    let [running, most] = [0, 0];
    const one = judge(
      async () => {
        most = Math.max(most, ++running);
        await new Promise((resolve) => setTimeout(resolve, 5));
        running -= 1;
        return {};
      },
      { maxTexts: 1 },
    );
    await made(one).checkRequest?.(asked(...[...Array(40).keys()].map((at) => `${"long ".repeat(50)}${at}`)));
    expect(one.heard.length).toBe(40);
    expect(most).toBe(8);
  });
});

describe("answers", () => {
  it("are kept for their time, for one guardrail, and by what else they depend on", async () => {
    const one = judge(() => ({}), { keyOf: ({ principal }) => principal.id });
    const guardrail = made(one, { cache: { ttlMs: 60 } });
    const other = made(one);
    await guardrail.checkRequest?.(asked("hello"));
    await guardrail.checkRequest?.(asked("hello"));
    expect(one.heard.length).toBe(1);
    await other.checkRequest?.(asked("hello"));
    const principal = { id: "k-2", kind: "key", admin: false, models: [] } as const;
    await guardrail.checkRequest?.({ ...asked("hello"), principal });
    expect(one.heard.length).toBe(3);
    await new Promise((resolve) => setTimeout(resolve, 80));
    await guardrail.checkRequest?.(asked("hello"));
    expect(one.heard.length).toBe(4);
  });

  it.each([
    ["outside of the text", () => ({ findings: [{ start: 2, end: 99, kind: "x" }] })],
    ["turned around", () => ({ findings: [{ start: 3, end: 1, kind: "x" }] })],
  ])("with findings %s are outages", async (_name, say) => {
    await expect(made(judge(say)).checkRequest?.(asked("hello"))).rejects.toThrow(RangeError);
  });

  it("that are too few are an outage, and the trace has their price", async () => {
    const few = made({ maxTexts: 9, judge: async () => [{}] });
    await expect(few.checkRequest?.(asked("a", "b"))).rejects.toThrow(/did not judge each text/);
    const call = asked("hello");
    await made(
      judge(() => ({})),
      { costPerQuestion: 250n },
    ).checkRequest?.(call);
    expect(call.trace.questions).toMatchObject([
      { guardrail: "judge", mode: "input", outcome: "answered", cost: 250n },
    ]);
  });

  it("of all categories are judged, not only the first", async () => {
    const both = judge(() => ({ categories: [{ kind: "mild" }, { kind: "grave" }] }));
    const guardrail = made(both, { action: ({ kind }) => (kind === "grave" ? "block" : "flag") });
    expect(await guardrail.checkRequest?.(asked("x"))).toMatchObject({ action: "block", category: "grave" });
    const window = { text: "hello", before: "", final: true, choice: 0, kind: "text" } as const;
    expect(await guardrail.checkWindow?.(asked("x") as never, window)).toMatchObject({ action: "block" });
  });
});

describe("time", () => {
  const never = (): Promise<never> => new Promise(() => undefined);

  async function run(guardrail: Guardrail) {
    const call = asked("hello");
    const done = () =>
      replyOf<"chat">(async () => ({
        id: "r",
        createdAt: 1,
        model: "m",
        choices: [{ index: 0, content: [{ type: "text", text: "fine" }], finishReason: "stop" }],
        usage: { inputTokens: 1, outputTokens: 1 },
      }));
    const reply = guardrailLayer(guardrail).layer(call, () => done() as never);
    return { result: await resultOf(reply as never), call };
  }

  it("ends a judge that does not listen to its signal", async () => {
    const guardrail = made(judge(never), { timeoutMs: 30 });
    await expect(run(guardrail)).rejects.toMatchObject({ code: "guardrail_unavailable" });
  });

  it.each(["checkRequest", "checkResult", "checkWindow"] as const)("ends %s of any guardrail", async (check) => {
    const guardrail = { name: "slow", timeoutMs: 20, [check]: never } as Guardrail;
    await expect(run(guardrail)).rejects.toMatchObject({ code: "guardrail_unavailable", source: "slow" });
    const { call } = await run({ ...guardrail, failOpen: true });
    expect(call.trace.notes).toEqual([{ stage: "guard", text: 'guardrail "slow" failed and is set to fail open' }]);
  });

  it("ends a check of more questions than it is enough for, and asks none of them any more", async () => {
    const one = judge(async () => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      return {};
    });
    const guardrail = made(one, { timeoutMs: 60 });
    const many = asked(...[...Array(200).keys()].map((at) => `${"long ".repeat(50)}${at}`));
    await expect(guardrail.checkRequest?.(many)).rejects.toThrow(/timeout/);
    const count = one.heard.length;
    expect(count).toBeLessThan(80);
    await new Promise((resolve) => setTimeout(resolve, 80));
    expect(one.heard.length).toBe(count);
    // and it was not the service's fault
    expect(await guardrail.checkRequest?.(asked("hello"))).toEqual(ALLOW);
  });

  it("that is enough changes nothing", async () => {
    const guardrail: Guardrail = { name: "quick", timeoutMs: 5_000, checkRequest: async () => ALLOW };
    await expect(run(guardrail)).resolves.toMatchObject({ result: { model: "m" } });
  });
});

describe("a service that refuses a text", () => {
  it("is not brought into rest by it", async () => {
    const server = await replayServer(({ body }) => ({ status: body.includes("poison") ? 422 : 200, body: {} }));
    const transport = createTransport();
    const one = judge(async (text, { send }) => {
      await send({ url: server.url, body: { text } });
      return {};
    });
    const guardrail = made(one, { transport, breaker: { failures: 2, pauseMs: 60_000 } });
    for (let time = 0; time < 5; time++) {
      await expect(guardrail.checkRequest?.(asked(`poison ${time}`))).rejects.toThrow("status 422");
    }
    expect(await guardrail.checkRequest?.(asked("hello"))).toEqual(ALLOW);
    await transport.close?.();
    await server.close();
  });
});

describe("several of one name", () => {
  it("see all of a call, or none of it", async () => {
    const heard: string[] = [];
    const one = (id: string): Guardrail => ({
      name: "shared",
      async checkRequest() {
        heard.push(`${id} request`);
        return ALLOW;
      },
      async checkWindow(_call, { text }) {
        heard.push(`${id} window`);
        return { action: "release", consume: text.length };
      },
    });
    const shared = balancedGuardrail([one("a"), one("b")]);
    const window = { text: "x", before: "", final: true, choice: 0, kind: "text" } as const;
    for (let time = 0; time < 2; time++) {
      const call = asked("hello");
      await shared.checkRequest?.(call);
      await shared.checkWindow?.(call as never, window);
    }
    expect(heard).toEqual(["a request", "a window", "b request", "b window"]);
  });
});

describe("a question to a model of the gateway", () => {
  const principals: unknown[] = [];
  const vendor = {
    name: "vendor",
    providers: [
      {
        name: "vendor",
        operations: {
          chat: ({ request, principal }: { request: { model: string }; principal: unknown }) =>
            replyOf<"chat">(async () => {
              if (request.model === "judge") principals.push(principal);
              return {
                id: "r",
                createdAt: 1,
                model: request.model,
                choices: [{ index: 0, content: [{ type: "text", text: "safe" }], finishReason: "stop" }],
                usage: { inputTokens: 1, outputTokens: 1 },
              };
            }),
        },
      },
    ],
  };

  it("is made for the caller, without guardrails, aliases and limits of its own", async () => {
    const model = judge(async (text, { ask }) => {
      await ask("chat", { model: "judge", messages: user(text) });
      return {};
    });
    const gateway = await createGateway({
      plugins: [vendor as never, remotePlugin("judges", [remoteGuardrail({ name: "judge", mode: "before" }, model)])],
      deployments: ["chat", "judge"].map((name) => ({
        id: name,
        model: name,
        provider: "vendor",
        upstreamModel: name,
      })),
    });
    const principal = {
      id: "k-1",
      kind: "key" as const,
      admin: false,
      models: ["chat"],
      teamId: "t-1",
      aliases: { judge: "chat" },
      guardrails: { on: ["judge"] },
    };
    await gateway.run({ operation: "chat", request: { model: "chat", messages: user("hello") }, principal });
    expect(principals).toEqual([
      {
        id: "k-1",
        kind: "key",
        admin: false,
        models: ["judge"],
        teamId: "t-1",
        limits: [],
        guardrails: { off: ["*"] },
      },
    ]);
    const without = gateway.run({
      operation: "chat",
      request: { model: "chat", messages: user("hello") },
      principal,
      options: { extensions: { guardrails: ["-*"] } },
    });
    await expect(without).rejects.toMatchObject({ code: "invalid_request", param: "guardrails" });
    await gateway.close();
  });
});

describe("the test kit", () => {
  it("finds what is wrong with a guardrail", async () => {
    const runner = fakeRunner();
    testRemoteGuardrail({
      runner,
      service: () => ({ body: {} }),
      // asks, and lets everything pass, whatever is said or not said
      guardrail: (url, options) => {
        const careless = judge(async (_text, { send }) => {
          await send({ url, body: {} }).catch(() => undefined);
          return {};
        });
        return made(careless, { ...options, cache: false });
      },
      blocked: "the falcon",
      secret: "falcon",
      category: "x",
      credentials: ["credential"],
    });
    const failures = await failuresOf(
      runner.cases,
      /blocks|down: closed|status 500: closed|HTML page: closed|not asked/,
    );
    expect(failures.length).toBe(5);
  });
});
