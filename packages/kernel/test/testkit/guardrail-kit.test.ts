import { describe, expect, it } from "vitest";
import type { Guardrail } from "@signalbox/kernel";
import { ALLOW, textOf } from "@signalbox/kernel";
import type { GuardrailKit } from "@signalbox/kernel/testkit";
import { testGuardrail } from "@signalbox/kernel/testkit";
import { failuresOf, fakeRunner } from "./fake-runner.ts";

const NUMBER = /\d{4}-\d{4}/g;

/** Masks eight digits with a dash between them; holds back what may be the beginning of one. */
const digits = (): Guardrail => ({
  name: "digits",
  checkWindow(_call, { text, final }) {
    let [released, consume] = ["", 0];
    for (const match of text.matchAll(/\d{4}-\d{4}|\d{1,4}(?:-\d{0,3})?$/g)) {
      const whole = match[0].length === 9;
      if (!whole && final) break;
      released += text.slice(consume, match.index) + (whole ? "****-****" : "");
      if (!whole) return { action: "release", consume: match.index, text: released };
      consume = match.index + 9;
    }
    return { action: "release", consume: text.length, text: released + text.slice(consume) };
  },
});

/** Blocks a word; holds back its length. */
const word = (name: string = "word"): Guardrail => ({
  name,
  checkRequest(call) {
    const { messages } = call.request as { messages: readonly { content: Parameters<typeof textOf>[0] }[] };
    const bad = messages.some(({ content }) => textOf(content).includes("xyzzy"));
    return bad ? { action: "block", reason: "a magic word", category: "magic" } : ALLOW;
  },
  checkWindow(_call, { text, final }) {
    if (text.includes("xyzzy")) return { action: "block", reason: "a magic word", category: "magic" };
    return { action: "release", consume: final ? text.length : Math.max(0, text.length - 4) };
  },
});

/** The same word, found in the whole result. */
const whole = (): Guardrail => ({
  name: "whole",
  checkResult(_call, result) {
    const { choices } = result as { choices: readonly { content: Parameters<typeof textOf>[0] }[] };
    return choices.some(({ content }) => textOf(content).includes("xyzzy"))
      ? { action: "block", reason: "a magic word" }
      : ALLOW;
  },
});

const magic = [{ text: "They whispered xyzzy, twice.", secret: "xyzzy", category: "magic" }];
const requests = [
  { messages: [{ role: "user", content: [{ type: "text", text: "say xyzzy" }] }], expected: "blocked" },
  {
    messages: [{ role: "user", content: [{ type: "text", text: "say please" }] }],
    expected: [{ role: "user", content: [{ type: "text", text: "say please" }] }],
  },
] as const;
const masked = [
  { text: "Call 1234-5678 or 8765-4321.", released: "Call ****-**** or ****-****." },
  { text: "1234-5678", released: "****-****" },
  { text: "No. 1234-56", released: "No. 1234-56" },
  { text: '{"number":"1234-5678"}', released: '{"number":"****-****"}', kind: "arguments" },
] as const;

describe("testGuardrail on guardrails that are right", () => {
  const runner = { describe, it };
  const local = { outage: false } as const;
  describe("masking", () =>
    testGuardrail({ runner, guardrail: digits, masked, capabilities: { ...local, blocks: false, requests: false } }));
  describe("blocking", () =>
    testGuardrail({
      runner,
      guardrail: word,
      blocked: magic,
      requests,
      unreachable: () => ({ name: "word", checkWindow: () => Promise.reject(new Error("connect ECONNREFUSED")) }),
      capabilities: { masks: false },
    }));
  describe("holding", () =>
    testGuardrail({
      runner,
      guardrail: whole,
      blocked: [{ text: "They whispered xyzzy.", secret: "whispered" }],
      unreachable: () => ({ name: "whole", failOpen: true, checkResult: () => Promise.reject(new Error("down")) }),
      capabilities: { masks: false, requests: false },
    }));
});

describe("testGuardrail on guardrails that are wrong", () => {
  const release = (text: string, consume: number = text.length) => ({ action: "release", consume, text }) as const;
  let carried = "";
  const wrong: Readonly<Record<string, readonly [Partial<GuardrailKit>, RegExp, number?]>> = {
    "forgets that a pattern may go on": [
      {
        masked,
        guardrail: () => ({
          name: "w",
          checkWindow: (_, { text }) => release(text.replace(NUMBER, "****-****"), text.length),
        }),
      },
      /text 1 is masked/,
    ],
    "keeps the end back for ever": [
      {
        masked,
        guardrail: () => ({
          name: "w",
          checkWindow: (_, { text }) => ({ action: "release", consume: Math.max(0, text.length - 3) }),
        }),
      },
      /harmless text passes/,
    ],
    "consumes more than there is": [
      { guardrail: () => ({ name: "w", checkWindow: (_, { text }) => release(text, text.length + 1) }) },
      /harmless text passes/,
    ],
    "holds everything back while it says that it does not": [
      {
        guardrail: () => ({
          name: "w",
          checkWindow: (_, { text, final }) => ({ action: "release", consume: final ? text.length : 0 }),
        }),
      },
      /harmless text flows/,
    ],
    "changes harmless texts": [
      {
        guardrail: () => ({
          name: "w",
          checkWindow: (_, { text }) => release(text.replaceAll("fox", "cat"), text.length),
        }),
      },
      /harmless text passes/,
    ],
    "remembers one call in the next": [
      {
        masked,
        guardrail: () => ({
          name: "w",
          checkWindow(_, { text, final }) {
            carried = final ? "" : carried + text;
            const seen = carried;
            return release(NUMBER.test(seen) ? "#".repeat(text.length) : text, text.length);
          },
        }),
      },
      /text 1 is masked/,
    ],
    "lets the text go and blocks afterwards": [
      {
        blocked: magic,
        guardrail: () => ({
          ...word("w"),
          checkWindow: (_, { text, final }) => (final && text === "" ? release("") : release(text)),
          checkResult: () => ({ action: "block", reason: "late", category: "magic" }),
        }),
      },
      /text 1 is blocked/,
    ],
    "only observes": [{ blocked: magic, guardrail: () => ({ ...whole(), streaming: "observe" }) }, /text 1 is blocked/],
    "shows what it blocked": [
      {
        blocked: magic,
        guardrail: () => ({
          ...word("w"),
          checkWindow: (_, { text, final }) =>
            text.includes("xyzzy")
              ? { action: "block", reason: "found xyzzy", category: "magic" }
              : release(text, final ? text.length : Math.max(0, text.length - 4)),
        }),
      },
      /text 1 is blocked/,
    ],
    "does not block requests": [
      { requests, guardrail: () => ({ ...word("w"), checkRequest: () => ALLOW }) },
      /request 1/,
    ],
    "blocks every request": [
      { requests, guardrail: () => ({ ...word("w"), checkRequest: () => ({ action: "block", reason: "no" }) }) },
      /request 2/,
    ],
    "lets everything pass when it is down": [{ guardrail: word, unreachable: () => word() }, /cannot decide/],
    "fails open without a word": [
      { guardrail: word, unreachable: () => ({ ...word(), failOpen: true }) },
      /cannot decide/,
    ],
  };

  it.each(Object.entries(wrong))("catches one that %s", async (_name, [kit, match]) => {
    const runner = fakeRunner();
    testGuardrail({ runner, guardrail: word, ...kit });
    expect(await failuresOf(runner.cases, match)).toHaveLength(1);
  });

  it("names the breach of the contract", async () => {
    const runner = fakeRunner();
    testGuardrail({
      runner,
      guardrail: () => ({ name: "w", checkWindow: (_, { text }) => ({ action: "release", consume: text.length + 1 }) }),
    });
    expect((await failuresOf(runner.cases, /harmless text passes/))[0]).toMatch(
      /of a window of \d+ characters, \d+ were/,
    );
  });

  it("wants what is not declared impossible", async () => {
    const runner = fakeRunner();
    testGuardrail({ runner, guardrail: word });
    expect(await failuresOf(runner.cases, /^(masked|blocked|requests|a guardrail that)/)).toEqual([
      "masked: give masked, or declare capabilities.masks: false",
      "blocked: give blocked, or declare capabilities.blocks: false",
      "requests: give requests, or declare capabilities.requests: false",
      "a guardrail that cannot decide lets nothing pass: give unreachable, or declare capabilities.outage: false",
    ]);
  });
});
