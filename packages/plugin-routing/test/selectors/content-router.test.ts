import { afterEach, describe, expect, it } from "vitest";
import type { Call, ChatRequest, FunctionTool, Gateway, Message } from "@signalbox/kernel";
import { createGateway } from "@signalbox/kernel";
import { testCall } from "@signalbox/kernel/testkit";
import { mock } from "@signalbox/provider-mock";
import type { ContentCondition, ContentRouterOptions } from "../../src/selectors/content-options.ts";
import { contentRouter } from "../../src/selectors/content-router.ts";
import type { ChatCallInput } from "../calls.ts";
import { chatCall } from "../calls.ts";

const TIERS = { simple: "small", medium: "medium", complex: "large", reasoning: "thinker" } as const;

interface Decision {
  readonly model: string;
  readonly note: string | undefined;
}

function decide(options: ContentRouterOptions, input: ChatCallInput): Decision {
  const call = chatCall(input);
  const model = contentRouter("auto", options).select(call) as string;
  expect(call.trace.notes?.map(({ stage }) => stage)).toEqual(["route"]);
  return { model, note: call.trace.notes?.[0]?.text };
}

const says = (text: string, role: Message["role"] = "user"): Message => ({ role, content: [{ type: "text", text }] });

function tool(name: string): FunctionTool {
  return { type: "function", name };
}

describe("the score", () => {
  it.each([
    ["Hi there!", "small", 'content router "auto": score 0 (plain -0.15) → simple → "small"'],
    ["blue", "small", 'content router "auto": score 0 (no signals) → simple → "small"'],
    ["Explain the water cycle.", "medium", 'content router "auto": score 0.26 (task 0.26) → medium → "medium"'],
    [
      "Prove that the square root of 2 is irrational.",
      "thinker",
      'content router "auto": score 1 (reasoning 0.72, maths 0.3, length 0.03) → reasoning → "thinker"',
    ],
    [
      "Write a REST API in Go with JWT authentication and unit tests. It must use PostgreSQL, without an ORM.",
      "large",
      'content router "auto": score 0.65 (code 0.2, task 0.18, terms 0.09, constraints 0.09, length 0.08) → complex → "large"',
    ],
  ])("of %j sends it to %s", (text, model, note) => {
    expect(decide({ tiers: TIERS }, { text })).toEqual({ model, note });
  });

  it("is the same for the same request, whatever came before", () => {
    const router = contentRouter("auto", { tiers: TIERS });
    const notes = ["prove it step by step", "Hi!", "prove it step by step"].map((text) => {
      const call = chatCall({ text });
      router.select(call);
      return call.trace.notes?.[0]?.text;
    });
    expect(notes[0]).toBe(notes[2]);
    expect(notes[0]).not.toBe(notes[1]);
  });

  it("is taken from the last user message: a tool loop stays where it began", () => {
    const question = [says("Prove by induction that every step holds."), says("ok", "assistant")];
    const later: readonly Message[] = [
      says("hi"),
      ...question,
      { role: "tool", content: [{ type: "toolResult", toolCallId: "1", content: [{ type: "text", text: "x" }] }] },
    ];
    expect(decide({ tiers: TIERS }, { request: { messages: later } }).model).toBe("thinker");
    expect(decide({ tiers: TIERS }, { request: { messages: [...question, says("thanks")] } }).model).toBe("small");
  });

  it("takes nothing from the system prompt", () => {
    const messages = [says("You are a prover. Think step by step. Write code, prove, justify.", "system"), says("Hi")];
    expect(decide({ tiers: TIERS }, { request: { messages } }).model).toBe("small");
  });

  it("reads words, whatever their case, accents and separators", () => {
    const expected = decide({ tiers: TIERS }, { text: "begründe schritt für schritt" });
    expect(expected.note).toContain("reasoning 0.54");
    for (const text of [
      "BEGRÜNDE SCHRITT FÜR SCHRITT",
      "begru\u0308nde schritt-fu\u0308r-schritt",
      "begrunde: schritt fur schritt",
    ]) {
      expect(decide({ tiers: TIERS }, { text })).toEqual(expected);
    }
  });

  it.each<[string, Partial<ChatRequest>, string]>([
    ["tools", { tools: Array.from({ length: 4 }, (_, at) => tool(`t${at}`)) }, "tools 0.05"],
    ["a schema", { responseFormat: { type: "jsonSchema", name: "n", schema: {} } }, "structure 0.1"],
    ["JSON", { responseFormat: { type: "json" } }, "structure 0.05"],
    ["the wish for reasoning", { reasoning: { effort: "high" } }, "reasoning 0.36"],
    ["a little of it", { reasoning: { effort: "medium" } }, "reasoning 0.09"],
    ["many turns", { messages: Array.from({ length: 10 }, () => says("blue")) }, "turns 0.1"],
  ])("counts %s", (_name, request, signal) => {
    expect(decide({ tiers: TIERS }, { text: "blue", request }).note).toContain(`(${signal})`);
  });

  it.each<[string, Partial<ChatRequest>]>([
    ["low effort", { reasoning: { effort: "low" } }],
    ["none at all", { reasoning: { mode: "disabled", effort: "high" } }],
    ["text", { responseFormat: { type: "text" } }],
  ])("does not count %s", (_name, request) => {
    expect(decide({ tiers: TIERS }, { text: "blue", request }).note).toContain("(no signals)");
  });

  it.each([
    ["a fenced block", "Look:\n```\nx\n```", "code 0.22"],
    ["pairs of signs", "if (a == b && c) { f(); }", "code 0.22"],
    ["identifiers", "userName user_id maxCount", "code 0.11"],
    ["mathematical signs", "x ≤ 3 ± 2 ∫ y", "maths 0.13"],
    ["LaTeX", "\\frac \\alpha \\beta", "maths 0.13"],
    ["a numbered list", "1. red\n2. green\n3. blue", "steps 0.25"],
    ["bullets", "- red\n- green\n* blue\n• grey", "steps 0.25"],
    ["an order", "first red, then green, finally blue", "steps 0.25"],
    ["several questions", "red? green? blue?", "steps 0.13"],
    ["an enumeration", "red, green, blue, grey, white, black", "steps 0.15"],
  ])("counts %s", (_name, text, signal) => {
    expect(decide({ tiers: TIERS }, { text }).note).toContain(signal);
  });

  it("of much work alone stays below the hardest tier", () => {
    const text = `${"Write, build, design and implement a Kubernetes deployment with JWT authentication; it must have tests. ".repeat(30)}\n1. a\n2. b\n3. c`;
    const tools = Array.from({ length: 20 }, (_, at) => tool(`t${at}`));
    const { model, note } = decide({ tiers: TIERS }, { text, request: { tools } });
    expect(model).toBe("large");
    expect(note).toContain("score 0.65 (");
  });

  it("holds nothing of the text", () => {
    const text = "Prove secretword42 with password hunter2 and write code for alice@example.com step by step.";
    const rules = [{ name: "never", when: { contains: ["zebra"] }, use: "x" }];
    const { note } = decide({ tiers: TIERS, rules }, { text });
    for (const word of ["secretword42", "hunter2", "alice", "Prove", "step"]) expect(note).not.toContain(word);
  });
});

describe("tiers", () => {
  it("without a model are served by the next harder one, the hardest by the next easier one", () => {
    const models = (tiers: ContentRouterOptions["tiers"]): readonly string[] =>
      [
        "Hi!",
        "Explain the water cycle.",
        "Write a Go API with tests: it must not use an ORM, and only JSON.",
        "Prove by induction: x^2 > 0.",
      ].map((text) => decide({ ...(tiers && { tiers }) }, { text }).model);
    expect(models(TIERS)).toEqual(["small", "medium", "large", "thinker"]);
    expect(models({ simple: "s", complex: "c" })).toEqual(["s", "c", "c", "c"]);
    expect(models({ simple: "s", reasoning: "r" })).toEqual(["s", "r", "r", "r"]);
    expect(models({ simple: "s", medium: "m" })).toEqual(["s", "m", "m", "m"]);
    expect(models({ simple: "s" })).toEqual(["s", "s", "s", "s"]);
  });

  it("begin at the thresholds", () => {
    const at = (thresholds: NonNullable<ContentRouterOptions["thresholds"]>): string =>
      decide({ tiers: TIERS, thresholds }, { text: "Explain the water cycle." }).model;
    expect(at({ medium: 0.26 })).toBe("medium");
    expect(at({ medium: 0.27 })).toBe("small");
    expect(at({ medium: 0.1, complex: 0.2 })).toBe("large");
    expect(at({ medium: 0, complex: 0, reasoning: 0 })).toBe("thinker");
  });

  it("follow the weights", () => {
    const text = "Explain the water cycle.";
    expect(decide({ tiers: TIERS, weights: { task: 0 } }, { text }).note).toContain("score 0 (no signals)");
    expect(decide({ tiers: TIERS, weights: { task: 1 } }, { text }).note).toContain("score 0.65 (task 0.65)");
  });

  it("are the targets, each once, with those of rules and the default", () => {
    const rules = [{ name: "r", when: { images: true }, use: "eyes" }];
    const targets = (options: ContentRouterOptions): readonly string[] => contentRouter("auto", options).targets;
    expect(targets({ tiers: TIERS, rules })).toEqual(["small", "medium", "large", "thinker", "eyes"]);
    expect(targets({ tiers: { simple: "a", complex: "b" }, defaultModel: "d" })).toEqual(["a", "b", "d"]);
    expect(targets({ rules, defaultModel: "d" })).toEqual(["eyes", "d"]);
  });
});

describe("rules", () => {
  const holds = (when: ContentCondition, input: ChatCallInput): boolean =>
    decide({ rules: [{ name: "rule", when, use: "yes" }], defaultModel: "no" }, input).model === "yes";

  it("come before the score; the first one that holds decides", () => {
    const rules = [
      { name: "bills", when: { contains: ["invoice"] }, use: "one" },
      { name: "bills, too", when: { contains: ["invoice", "bill"] }, use: "two" },
    ];
    const options = { rules, tiers: TIERS };
    expect(decide(options, { text: "Prove that my invoice is wrong." })).toEqual({
      model: "one",
      note: 'content router "auto": rule "bills" → "one"',
    });
    expect(decide(options, { text: "My bill?" }).model).toBe("two");
    expect(decide(options, { text: "Hi!" }).model).toBe("small");
  });

  it.each([
    ["invoice", "Where is my INVOICE?", true],
    ["invoice", "invoices", false],
    ["invoice", "preinvoice", false],
    ["invoice", "e-invoice.", true],
    ["credit note", "a Credit-Note\nhere", true],
    ["credit note", "credit me a note", false],
    ["credit note", "credit credit note", true],
    ["a b c", "a b a b c", true],
    ["rechnung", "Rechnungsnummer", false],
    ["Straße", "in der STRAßE", true],
    ["café", "cafe", true],
    ["cafe", "CAFE\u0301", true],
    ["发票", "请把发票寄给我", true],
    ["发票", "发了邮票", false],
    ["請求書", "請求書を送ってください", true],
    ["счёт", "Где мой СЧЁТ?", true],
    ["naïve user_id", "the naive user_id", true],
    ["c3po", "C3PO!", true],
  ])("contains: %j in %j: %s", (words, text, expected) => {
    expect(holds({ contains: [words] }, { text })).toBe(expected);
  });

  it("look for words in all text parts, documents too, and not over their borders", () => {
    const parts = [
      { type: "text" as const, text: "credit" },
      { type: "text" as const, text: "note" },
      { type: "document" as const, source: { type: "text" as const, text: "an invoice" } },
    ];
    expect(holds({ contains: ["invoice"] }, { parts })).toBe(true);
    expect(holds({ contains: ["credit note"] }, { parts })).toBe(false);
  });

  it("read the beginning and the end of a long text", () => {
    const filler = "word ".repeat(4_000);
    expect(holds({ contains: ["zebra"] }, { text: `zebra ${filler}` })).toBe(true);
    expect(holds({ contains: ["zebra"] }, { text: `${filler} zebra` })).toBe(true);
    expect(holds({ contains: ["zebra"] }, { text: `${filler} zebra ${filler}` })).toBe(false);
    const parts = [
      { type: "text" as const, text: filler },
      { type: "text" as const, text: "zebra" },
    ];
    expect(holds({ contains: ["zebra"] }, { parts })).toBe(true);
  });

  it("may ask for words of the system prompt, and of developer messages", () => {
    const when = { system: { contains: ["legal assistant"] } };
    const asked = (text: string, role: Message["role"]): boolean =>
      holds(when, { request: { messages: [says(text, role), says("Hi")] } });
    expect(asked("You are a legal assistant.", "system")).toBe(true);
    expect(asked("You are a legal assistant.", "developer")).toBe(true);
    expect(asked("You are a legal assistant.", "user")).toBe(false);
    expect(asked("You are a tax assistant.", "system")).toBe(false);
    expect(asked(`${"x ".repeat(3_000)} legal assistant`, "system")).toBe(false);
  });

  it.each<[ContentCondition, ChatCallInput, boolean]>([
    [{ tools: true }, { request: { tools: [tool("a")] } }, true],
    [{ tools: true }, { request: { tools: [] } }, false],
    [{ tools: false }, {}, true],
    [{ tools: ["search", "fetch"] }, { request: { tools: [tool("fetch")] } }, true],
    [{ tools: ["search"] }, { request: { tools: [tool("fetch")] } }, false],
    [{ images: true }, { parts: [{ type: "image", source: { type: "url", url: "https://a/b.png" } }] }, true],
    [{ images: true }, {}, false],
    [{ images: false }, {}, true],
    [{ minInputTokens: 3 }, { text: "twelve chars" }, true],
    [{ minInputTokens: 4 }, { text: "twelve chars" }, false],
    [{ maxInputTokens: 3 }, { text: "twelve chars" }, true],
    [{ maxInputTokens: 2 }, { text: "twelve chars" }, false],
    [{ minInputTokens: 765 }, { parts: [{ type: "image", source: { type: "url", url: "https://a/b.png" } }] }, true],
    [{ reasoning: true }, { request: { reasoning: { effort: "low" } } }, true],
    [{ reasoning: true }, { request: { reasoning: { mode: "enabled", budgetTokens: 1 } } }, true],
    [{ reasoning: true }, { request: { reasoning: { effort: "none" } } }, false],
    [{ reasoning: true }, { request: { reasoning: { mode: "disabled" } } }, false],
    [{ reasoning: false }, {}, true],
    [{ tags: ["batch"] }, { options: { tags: ["x", "batch"] } }, true],
    [{ tags: ["batch"] }, { principal: { tags: ["batch"] } }, true],
    [{ tags: ["batch"] }, { options: { tags: ["x"] } }, false],
    [{ tags: ["batch"], contains: ["hello"] }, { options: { tags: ["batch"] } }, true],
    [{ tags: ["batch"], contains: ["bye"] }, { options: { tags: ["batch"] } }, false],
  ])("%j of %j: %s", (when, input, expected) => {
    expect(holds(when, input)).toBe(expected);
  });

  it("say so when none holds and there are no tiers", () => {
    const rules = [{ name: "r", when: { images: true }, use: "x" }];
    expect(decide({ rules, defaultModel: "d" }, {})).toEqual({
      model: "d",
      note: 'content router "auto": no rule holds → "d"',
    });
  });
});

describe("calls without a chat", () => {
  const embed = (): Call =>
    testCall({ operation: "embed", request: { model: "auto", inputs: ["a"] } }) as unknown as Call;

  it.each([
    [{ tiers: TIERS, defaultModel: "vectors" }, "vectors"],
    [{ tiers: TIERS }, "small"],
  ])("go to the default model, or to that of the first tier", (options, model) => {
    const call = embed();
    expect(contentRouter("auto", options).select(call)).toBe(model);
    expect(call.trace.notes).toEqual([
      { stage: "route", text: `content router "auto": embed has no chat to look at → "${model}"` },
    ]);
  });

  it("but with a question about the size of one are decided by that", () => {
    const chat: ChatRequest = { model: "auto", messages: [says("Prove by induction that 2^n > n.")] };
    const call = testCall({ operation: "countTokens", request: { model: "auto", chat } }) as unknown as Call;
    expect(contentRouter("auto", { tiers: TIERS }).select(call)).toBe("thinker");
  });

  it("and chats without a user message are simple", () => {
    expect(decide({ tiers: TIERS }, { request: { messages: [] } }).model).toBe("small");
    expect(decide({ tiers: TIERS }, { request: { messages: [says("Prove it.", "assistant")] } }).model).toBe("small");
  });
});

describe("time", () => {
  const router = contentRouter("auto", {
    tiers: TIERS,
    rules: [{ name: "r", when: { contains: ["a a a a a a a b", "step by step by step"] }, use: "small" }],
  });

  /** Of the fastest of several runs, in milliseconds. */
  function fastest(text: string): number {
    const call = chatCall({ text });
    let least = Number.POSITIVE_INFINITY;
    for (let run = 0; run < 30; run++) {
      const startedAt = performance.now();
      router.select(call);
      least = Math.min(least, performance.now() - startedAt);
    }
    return least;
  }

  it.each([
    ["repeated words", "prove "],
    ["the beginning of a phrase", "step by "],
    ["one letter words", "a "],
    ["one word", "a"],
    ["backticks", "`"],
    ["signs", "=>;{}()"],
    ["lines", "\n- "],
    ["ideographs", "证"],
    ["accents", "\u0301"],
    ["halves of pairs", "\ud83d"],
  ])("is bounded for a megabyte of %s", (_name, unit) => {
    const megabyte = unit.repeat(Math.ceil(1_000_000 / unit.length));
    fastest(megabyte);
    expect(fastest(megabyte)).toBeLessThan(5);
    // 12 times the text that is read: the same work
    expect(fastest(megabyte)).toBeLessThan(fastest(megabyte.slice(0, 150_000)) * 3 + 0.2);
  });

  it("is bounded for very many parts", () => {
    const parts = Array.from({ length: 20_000 }, () => ({ type: "text" as const, text: "prove it step by step " }));
    const call = chatCall({ parts });
    const startedAt = performance.now();
    router.select(call);
    expect(performance.now() - startedAt).toBeLessThan(100);
  });

  it("for 4 kB is some 40 microseconds", () => {
    const text = "Please explain why the query is slow, compare both plans and write a better one. "
      .repeat(60)
      .slice(0, 4_096);
    for (let run = 0; run < 20; run++) fastest(text);
    // ten times what was measured, for machines that do other things as well
    expect(fastest(text)).toBeLessThan(0.4);
  });
});

describe("options of a content router", () => {
  const rule = { name: "r", when: { images: true }, use: "x" };
  const own = "contentRouters.auto";

  it.each([
    [{}, own, 'has neither "tiers" nor a "defaultModel"'],
    [{ tiers: {} }, `${own}.tiers.simple`, "is invalid"],
    [{ tiers: { ...TIERS, medum: "x" } }, `${own}.tiers.medum`, 'Did you mean "medium"?'],
    [{ tiers: { ...TIERS, COMPLEX: "x" } }, `${own}.tiers.COMPLEX`, 'Did you mean "complex"?'],
    [{ tiers: { simple: "" } }, `${own}.tiers.simple`, "is invalid"],
    [{ tiers: TIERS, threshold: {} }, `${own}.threshold`, 'Did you mean "thresholds"?'],
    [{ tiers: TIERS, thresholds: { simple: 0 } }, `${own}.thresholds.simple`, "is not an option"],
    [{ tiers: TIERS, thresholds: { medium: 1.2 } }, `${own}.thresholds.medium`, "is invalid"],
    [{ tiers: TIERS, thresholds: { medium: 0.6 } }, `${own}.thresholds.complex`, "0.5 is less than medium, 0.6"],
    [{ tiers: TIERS, thresholds: { reasoning: 0.4 } }, `${own}.thresholds.reasoning`, "0.4 is less than complex, 0.5"],
    [{ tiers: TIERS, weights: { maths: -1 } }, `${own}.weights.maths`, "is invalid"],
    [{ tiers: TIERS, weights: { math: 0.1 } }, `${own}.weights.math`, 'Did you mean "maths"?'],
    [{ tiers: TIERS, rules: [{ ...rule, when: {} }] }, `${own}.rules[0].when`, "holds for every call"],
    [{ tiers: TIERS, rules: [{ ...rule, when: { contain: ["a"] } }] }, `${own}.rules[0].when.contain`, '"contains"'],
    [{ tiers: TIERS, rules: [{ ...rule, when: { contains: [] } }] }, `${own}.rules[0].when.contains`, "is invalid"],
    [{ tiers: TIERS, rules: [{ ...rule, when: { contains: ["?!"] } }] }, `${own}.rules[0].when.contains[0]`, "letters"],
    [
      { tiers: TIERS, rules: [{ ...rule, when: { contains: [/a/] } }] },
      `${own}.rules[0].when.contains[0]`,
      "is invalid",
    ],
    [{ tiers: TIERS, rules: [rule, { name: "s", when: rule.when }] }, `${own}.rules[1].use`, "is invalid"],
    [
      { tiers: TIERS, rules: [{ ...rule, when: { minInputTokens: 5, maxInputTokens: 4 } }] },
      `${own}.rules[0].when.maxInputTokens`,
      "is less than minInputTokens",
    ],
  ])("%j are refused", (options, param, message) => {
    const make = (): unknown => contentRouter("auto", options as ContentRouterOptions);
    expect(make).toThrow(expect.objectContaining({ code: "option_invalid", param, source: "routing" }));
    expect(make).toThrow('the content router "auto"');
    expect(make).toThrow(message);
  });
});

describe("in a gateway", () => {
  const open: Gateway[] = [];

  afterEach(async () => {
    for (const gateway of open.splice(0)) await gateway.close();
  });

  async function gatewayWith(options: ContentRouterOptions): Promise<Gateway> {
    const deployments = ["small", "medium", "large", "thinker"].map((model) => ({
      id: model,
      model,
      provider: "mock",
      upstreamModel: "fixed",
    }));
    const plugin = { name: "routing", providers: [mock()], selectors: [contentRouter("auto", options)] };
    const gateway = await createGateway({ plugins: [plugin], deployments });
    open.push(gateway);
    return gateway;
  }

  it("easy questions go to the small model and hard ones to the strong one, streamed or not", async () => {
    const gateway = await gatewayWith({ tiers: TIERS });
    for (const stream of [false, true]) {
      for (const [text, deployment] of [
        ["Hi!", "small"],
        ["Prove by induction that 2^n > n.", "thinker"],
      ] as const) {
        const request = { model: "auto", messages: [says(text)], stream };
        const { call, reply } = gateway.open({ operation: "chat", request });
        for await (const _event of reply);
        expect(call.trace.attempts.map((attempt) => attempt.deployment)).toEqual([deployment]);
        expect(call.trace.notes?.[0]?.text).toContain(`→ "${deployment}"`);
      }
    }
  });

  it("a dry run explains the choice", async () => {
    const gateway = await gatewayWith({ tiers: TIERS });
    const request = { model: "auto", messages: [says("Explain the water cycle.")] };
    const { attempts, notes } = await gateway.explain({ operation: "chat", request });
    expect(attempts.map(({ deployment }) => deployment)).toEqual(["medium"]);
    expect(notes).toEqual([
      { stage: "route", text: 'content router "auto": score 0.26 (task 0.26) → medium → "medium"' },
    ]);
  });

  it("a model that does not exist is found at start", async () => {
    await expect(gatewayWith({ tiers: { simple: "small", complex: "larg" } })).rejects.toMatchObject({
      code: "fallback_unknown",
      message: expect.stringContaining('Did you mean "large"?'),
    });
  });
});
