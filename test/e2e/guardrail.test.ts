import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Guardrail } from "@signalbox/kernel";
import type { RunningGateway } from "./running-gateway.ts";
import { CLIENT_KEY, runningGateway, UPSTREAMS } from "./running-gateway.ts";

/** Masks a word, wherever the provider cuts its stream; blocks another. */
const words: Guardrail = {
  name: "words",
  checkWindow(_call, { text, final }) {
    if (text.includes("forbidden")) return { action: "block", reason: "a forbidden word", category: "words" };
    let consume = text.length;
    for (const word of ["confidential", "forbidden"]) {
      for (let keep = Math.min(word.length - 1, text.length); !final && keep > 0; keep--) {
        if (word.startsWith(text.slice(-keep))) {
          consume = Math.min(consume, text.length - keep);
          break;
        }
      }
    }
    return { action: "release", consume, text: text.slice(0, consume).replaceAll("confidential", "[masked]") };
  },
};

let running: RunningGateway;
let openai: OpenAI;
let anthropic: Anthropic;

beforeAll(async () => {
  running = await runningGateway({ plugins: [{ name: "words", guardrails: [words] }] });
  openai = new OpenAI({ baseURL: `${running.url}/v1`, apiKey: CLIENT_KEY, maxRetries: 0 });
  anthropic = new Anthropic({ baseURL: running.url, apiKey: CLIENT_KEY, maxRetries: 0 });
});
afterAll(() => running.close());

const SAID = "this is confidential, and conf is not, but confidentialconfidential is";
const SEEN = "this is [masked], and conf is not, but [masked][masked] is";

// `split-1` makes the upstream write byte by byte, `chunks-…` cuts the text itself.
const pieces = ["echo", "echo+chunks-60", "echo+chunks-7+split-1"];
const matrix = UPSTREAMS.flatMap((upstream) => pieces.map((name) => `${upstream}/${name}`));

describe.each(matrix)("a masking guardrail in front of %s", (model) => {
  const messages = [{ role: "user" as const, content: SAID }];

  it("masks for an OpenAI client, streamed and not", async () => {
    const plain = await openai.chat.completions.create({ model, messages });
    expect(plain.choices[0]?.message.content).toBe(SEEN);
    let streamed = "";
    for await (const chunk of await openai.chat.completions.create({ model, messages, stream: true })) {
      streamed += chunk.choices[0]?.delta.content ?? "";
    }
    expect(streamed).toBe(SEEN);
  });

  it("masks for an Anthropic client, streamed and not", async () => {
    const plain = await anthropic.messages.create({ model, max_tokens: 100, messages });
    expect(plain.content).toMatchObject([{ type: "text", text: SEEN }]);
    const streamed = await anthropic.messages.stream({ model, max_tokens: 100, messages }).finalMessage();
    expect(streamed.content).toMatchObject([{ type: "text", text: SEEN }]);
  });
});

describe.each(UPSTREAMS)("a blocking guardrail in front of an %s upstream", (upstream) => {
  const messages = [{ role: "user" as const, content: "some harmless words first, then a forbidden one" }];

  it("refuses a plain reply with the contract's error", async () => {
    const call = openai.chat.completions.create({ model: `${upstream}/echo`, messages });
    await expect(call).rejects.toMatchObject({ status: 400, code: "guardrail_blocked" });
  });

  it("ends a stream before the word, and stops the upstream", async () => {
    const request = { model: `${upstream}/echo+chunks-20`, messages, stream: true } as const;
    let text = "";
    const read = async (): Promise<void> => {
      for await (const chunk of await openai.chat.completions.create(request)) {
        text += chunk.choices[0]?.delta.content ?? "";
      }
    };
    await expect(read()).rejects.toThrow(/forbidden word/);
    expect(text).toContain("some harmless words");
    expect(text).not.toContain("forbidden");
    expect(running.gateway.activeCalls).toBe(0);
  });
});
