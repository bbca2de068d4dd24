import fc from "fast-check";
import { expect, it } from "vitest";
import type { Call, ChatRequest, Guardrail } from "@signalbox/kernel";
import { testCall } from "@signalbox/kernel/testkit";
import { guardrails } from "../src/index.ts";

const PIECES = [
  "ada@example.com",
  "4111 1111 1111 1111",
  "+49 30 901820",
  "192.168.12.7",
  " ",
  "\n",
  '"',
  "\\",
  "[",
  "]",
  "[EMAIL_",
  "A",
  "é",
  "🌍",
  "字",
  "_",
  "text",
];
const texts = fc
  .array(fc.oneof(fc.constantFrom(...PIECES), fc.string({ unit: "grapheme", maxLength: 4 })), { maxLength: 20 })
  .map((pieces) => pieces.join(""));

async function made(): Promise<Guardrail> {
  const plugin = await guardrails([
    { type: "personal", name: "pii", action: "mask", mode: "before", reversible: true },
  ]);
  return (plugin.guardrails ?? [])[0] as Guardrail;
}

async function masked(guardrail: Guardrail, call: Call<"chat">): Promise<ChatRequest> {
  const verdict = await guardrail.checkRequest?.(call);
  return verdict?.action === "rewrite" ? verdict.value : call.request;
}

/** What the caller gets of a reply that comes in pieces. */
async function received(
  guardrail: Guardrail,
  call: Call,
  pieces: readonly string[],
  kind: "text" | "arguments",
): Promise<string> {
  let [pending, seen, out] = ["", "", ""];
  for (const [at, piece] of [...pieces, ""].entries()) {
    pending += piece;
    const window = { text: pending, before: seen.slice(-256), final: at === pieces.length, choice: 0, kind };
    const verdict = await guardrail.checkWindow?.(call, window);
    if (verdict?.action !== "release") throw new Error("no release");
    const consumed = pending.slice(0, verdict.consume);
    out += verdict.text ?? consumed;
    seen += consumed;
    pending = pending.slice(verdict.consume);
  }
  return out;
}

function question(text: string): Call<"chat"> {
  const messages = [{ role: "user" as const, content: [{ type: "text" as const, text }] }];
  return testCall({ operation: "chat", request: { model: "m", messages } });
}

it("gives back exactly what was masked, for any text and any split", async () => {
  const guardrail = await made();
  await fc.assert(
    fc.asyncProperty(texts, fc.integer({ min: 1, max: 9 }), async (text, size) => {
      const call = question(text);
      const request = await masked(guardrail, call);
      const part = request.messages[0]?.content[0];
      const sent = part?.type === "text" ? part.text : "";
      const pieces = Array.from({ length: Math.ceil(sent.length / size) }, (_, at) =>
        sent.slice(at * size, (at + 1) * size),
      );
      expect(await received(guardrail, call, pieces, "text")).toBe(text);
      const json = JSON.stringify({ said: sent });
      const split = Array.from({ length: Math.ceil(json.length / size) }, (_, at) =>
        json.slice(at * size, (at + 1) * size),
      );
      expect(JSON.parse(await received(guardrail, call, split, "arguments"))).toEqual({ said: text });
    }),
    { numRuns: 250 },
  );
});

it("gives nothing back that this call did not mask", async () => {
  const guardrail = await made();
  const first = question("ada@example.com");
  const request = await masked(guardrail, first);
  const part = request.messages[0]?.content[0];
  const placeholder = part?.type === "text" ? part.text : "";
  expect(await received(guardrail, question("bob@example.com"), [placeholder], "text")).toBe(placeholder);
});
