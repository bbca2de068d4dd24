import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import type { CanonicalChatEvent, ChatResult, Gateway, Guardrail } from "@signalbox/kernel";
import { ChatFold, collectReply, createGateway } from "@signalbox/kernel";
import { scripted, textEvents, textResult } from "./support/scripted-provider.ts";

const open: Gateway[] = [];

afterEach(async () => {
  for (const gateway of open.splice(0)) await gateway.close();
});

/** Answers "text" in the given pieces, or whole when no stream was asked for. */
async function ask(
  guardrails: readonly Guardrail[],
  pieces: readonly string[],
  stream: boolean = true,
): Promise<{ events: readonly CanonicalChatEvent[]; result: ChatResult; notes: readonly string[] }> {
  const gateway = await createGateway({
    plugins: [
      {
        name: "p",
        guardrails,
        providers: [
          scripted("shop", async function* (attempt) {
            if (attempt.request.stream === true) yield* textEvents(pieces);
            return textResult(pieces.join(""));
          }),
        ],
      },
    ],
  });
  open.push(gateway);
  const request = { model: "shop/m", messages: [{ role: "user", content: [] }], stream } as const;
  const opened = gateway.open({ operation: "chat", request });
  const { events, result } = await collectReply(opened.reply);
  return {
    events: events as readonly CanonicalChatEvent[],
    result,
    notes: (opened.call.trace.notes ?? []).map(({ text }) => text),
  };
}

function streamedText(events: readonly CanonicalChatEvent[]): string {
  let text = "";
  for (const event of events) if (event.type === "partDelta" && event.delta.type === "text") text += event.delta.text;
  return text;
}

function resultText(result: ChatResult): string {
  return result.choices[0]?.content.map((part) => (part.type === "text" ? part.text : "")).join("") ?? "";
}

/** Masks "secret": keeps back what could still become it. */
const maskSecret: Guardrail = {
  name: "mask",
  checkWindow(_call, { text, final }) {
    let consume = text.length;
    if (!final) {
      for (let keep = Math.min(5, text.length); keep > 0; keep--) {
        if ("secret".startsWith(text.slice(-keep))) {
          consume = text.length - keep;
          break;
        }
      }
    }
    return { action: "release", consume, text: text.slice(0, consume).replaceAll("secret", "******") };
  },
};

describe("a window guardrail", () => {
  it("masks the same for every split, streamed and whole", async () => {
    const answer = "my secretsecret is a secre, not a secret";
    const masked = "my ************ is a secre, not a ******";
    const whole = await ask([maskSecret], [answer], false);
    expect(resultText(whole.result)).toBe(masked);
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(fc.integer({ min: 1, max: answer.length - 1 })), async (cuts) => {
        const ends = [...cuts.sort((one, two) => one - two), answer.length];
        const pieces = ends.map((end, at) => answer.slice(ends[at - 1] ?? 0, end));
        const { events, result } = await ask([maskSecret], pieces);
        expect(streamedText(events)).toBe(masked);
        expect(resultText(result)).toBe(masked);
        const fold = new ChatFold();
        for (const event of events) fold.push(event);
        expect(fold.result().choices).toEqual(result.choices);
      }),
      { numRuns: 60 },
    );
  });

  it("never lets a kept character out before it is checked", async () => {
    const { events } = await ask([maskSecret], ["se", "c", "ret!"]);
    const deltas = events.flatMap((event) => (event.type === "partDelta" ? [event.delta] : []));
    expect(deltas).toEqual([{ type: "text", text: "******!" }]);
  });

  it("blocks in the middle of a stream and in a whole reply", async () => {
    const block: Guardrail = {
      name: "no-bombs",
      checkWindow: (_call, { text }) =>
        text.includes("bomb")
          ? { action: "block", reason: "weapons", category: "violence" }
          : { action: "release", consume: text.length },
    };
    const expected = {
      code: "guardrail_blocked",
      status: 400,
      message: 'blocked by guardrail "no-bombs": weapons',
      details: { guardrail: "no-bombs", mode: "output", category: "violence" },
    };
    await expect(ask([block], ["a ", "bomb"])).rejects.toMatchObject(expected);
    await expect(ask([block], ["a ", "bomb"], false)).rejects.toMatchObject(expected);
  });

  it("sees tool arguments and reasoning too", async () => {
    const kinds = new Set<string>();
    const spy: Guardrail = {
      name: "spy",
      checkWindow(_call, window) {
        kinds.add(window.kind);
        return { action: "release", consume: window.text.length };
      },
    };
    const gateway = await createGateway({
      plugins: [
        {
          name: "p",
          guardrails: [spy],
          providers: [
            // biome-ignore lint/correctness/useYield: answers whole
            scripted("shop", async function* () {
              return {
                ...textResult(""),
                choices: [
                  {
                    index: 0,
                    finishReason: "toolCalls",
                    content: [
                      { type: "reasoning", text: "hm" },
                      { type: "text", text: "ok" },
                      { type: "refusal", text: "no" },
                      { type: "toolCall", id: "1", name: "f", arguments: "{}" },
                    ],
                  },
                ],
              } as const;
            }),
          ],
        },
      ],
    });
    open.push(gateway);
    await gateway.chat({ model: "shop/m", messages: [] });
    expect([...kinds].sort()).toEqual(["arguments", "reasoning", "refusal", "text"]);
  });

  it("that consumes more than there is fails closed", async () => {
    const greedy: Guardrail = { name: "greedy", checkWindow: () => ({ action: "release", consume: 1_000 }) };
    await expect(ask([greedy], ["abc"])).rejects.toMatchObject({ code: "guardrail_unavailable", status: 503 });
  });

  it("that fails lets the rest pass only when declared so, and says it", async () => {
    let calls = 0;
    const fragile = (failOpen: boolean): Guardrail => ({
      name: "fragile",
      failOpen,
      checkWindow(_call, { text }) {
        calls += 1;
        if (calls % 2 === 0) throw new Error("connection lost");
        return { action: "release", consume: text.length - 1 };
      },
    });
    await expect(ask([fragile(false)], ["abc", "def"])).rejects.toMatchObject({ code: "guardrail_unavailable" });
    calls = 0;
    const { events, notes } = await ask([fragile(true)], ["abc", "def"]);
    expect(streamedText(events)).toBe("abcdef");
    expect(notes).toEqual(['guardrail "fragile" failed and is set to fail open']);
  });
});

describe("a holding guardrail", () => {
  const rewrite: Guardrail = {
    name: "rewrite",
    checkResult: ((_call: unknown, result: ChatResult) => ({
      action: "rewrite",
      reason: "shorter",
      value: { ...result, choices: [{ index: 0, content: [{ type: "text", text: "no" }], finishReason: "stop" }] },
    })) as never,
  };

  it("sends nothing before the whole was checked, then the checked text", async () => {
    const { events, result, notes } = await ask([rewrite], ["long ", "answer"]);
    expect(streamedText(events)).toBe("no");
    expect(resultText(result)).toBe("no");
    expect(notes).toEqual(['guardrail "rewrite" rewrote the reply: shorter']);
  });

  it("passes an allowed stream on unchanged", async () => {
    const allow: Guardrail = { name: "allow", checkResult: () => ({ action: "allow" }) };
    const { events } = await ask([allow], ["a", "b"]);
    expect(events).toEqual(textEvents(["a", "b"]));
  });

  it("blocks before the first event", async () => {
    const block: Guardrail = { name: "block", checkResult: () => ({ action: "block", reason: "no" }) };
    await expect(ask([block], ["a"])).rejects.toMatchObject({ code: "guardrail_blocked" });
  });
});

describe("an observing guardrail", () => {
  it("lets everything pass and notes what it would have blocked", async () => {
    const watch: Guardrail = {
      name: "watch",
      streaming: "observe",
      checkResult: () => ({ action: "block", reason: "rude" }),
    };
    const { events, notes } = await ask([watch], ["a", "b"]);
    expect(streamedText(events)).toBe("ab");
    expect(notes).toEqual(['guardrail "watch" observed: blocked by guardrail "watch": rude']);
  });
});

describe("a request check", () => {
  it("blocks before any provider is asked", async () => {
    const block: Guardrail = { name: "in", checkRequest: () => ({ action: "block", reason: "injection" }) };
    await expect(ask([block], ["a"])).rejects.toMatchObject({
      code: "guardrail_blocked",
      details: { guardrail: "in", mode: "input" },
    });
  });

  it("rewrites what the provider gets", async () => {
    const shop = scripted("shop", async function* () {
      yield* textEvents(["x"]);
      return textResult("x");
    });
    const gateway = await createGateway({
      plugins: [
        {
          name: "p",
          providers: [shop],
          guardrails: [
            {
              name: "in",
              checkRequest: ((call: { request: object }) => ({
                action: "rewrite",
                reason: "cooler",
                value: { ...call.request, temperature: 0 },
              })) as never,
            },
          ],
        },
      ],
    });
    open.push(gateway);
    await gateway.chat({ model: "shop/m", messages: [] });
    expect(shop.seen[0]?.request.temperature).toBe(0);
  });
});
