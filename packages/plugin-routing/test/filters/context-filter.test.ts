import { expect, test } from "vitest";
import type { Call } from "@signalbox/kernel";
import { testCall } from "@signalbox/kernel/testkit";
import { contextFilter } from "../../src/filters/context-filter.ts";
import { chatCall, deployment, factsOf, ids, known } from "../calls.ts";

const small = known("small", { maxInputTokens: 1_000 });
const middle = known("middle", { maxInputTokens: 2_000 });
const large = known("large", { maxInputTokens: 100_000 });
const unknown = deployment("unknown");

/** Text of so many UTF-16 code units, without runs. */
function words(units: number): string {
  return "lorem ipsum dolor ".repeat(Math.ceil(units / 18)).slice(0, units);
}

test("input that may fit stays where it is: six code units are a token at the very most", () => {
  const candidates = [small, large];
  const call = chatCall({ text: words(6_005) });
  expect(contextFilter(factsOf).filter(call, candidates)).toBe(candidates);
  expect(call.trace.skipped).toBeUndefined();
});

test("input that certainly does not fit passes the model by, and both numbers are named", () => {
  const call = chatCall({ text: words(6_006) });
  expect(ids(contextFilter(factsOf).filter(call, [small, middle, unknown, large]))).toEqual([
    "middle",
    "unknown",
    "large",
  ]);
  expect(call.trace.skipped).toEqual([
    {
      deployment: "small",
      reason: "the input has at least 1001 tokens, and the model takes 1000 tokens of input",
      code: "context_length_exceeded",
    },
  ]);
});

test("nothing is left when every window is too small", () => {
  const call = chatCall({ text: words(20_000) });
  expect(contextFilter(factsOf).filter(call, [small, middle])).toEqual([]);
  expect(call.trace.skipped?.map(({ deployment: id, code }) => [id, code])).toEqual([
    ["small", "context_length_exceeded"],
    ["middle", "context_length_exceeded"],
  ]);
});

test("all text of all turns counts; pictures and files do not", () => {
  const filter = contextFilter(factsOf);
  const third = words(2_100);
  const counted = chatCall({
    request: {
      messages: [
        { role: "system", content: [{ type: "text", text: third }] },
        { role: "assistant", content: [{ type: "toolCall", id: "1", name: "read", arguments: third }] },
        {
          role: "tool",
          content: [{ type: "toolResult", toolCallId: "1", content: [{ type: "text", text: third }] }],
        },
      ],
    },
  });
  expect(ids(filter.filter(counted, [small, large]))).toEqual(["large"]);
  const media = chatCall({
    parts: [
      { type: "image", source: { type: "data", mediaType: "image/png", data: words(90_000) } },
      { type: "document", source: { type: "data", mediaType: "application/pdf", data: words(90_000) } },
      { type: "text", text: "Compare." },
    ],
  });
  expect(ids(filter.filter(media, [small, large]))).toEqual(["small", "large"]);
  const note = chatCall({ parts: [{ type: "document", source: { type: "text", text: words(7_000) } }] });
  expect(ids(filter.filter(note, [small, large]))).toEqual(["large"]);
});

test("runs that a vocabulary may hold as one token are not counted", () => {
  const filter = contextFilter(factsOf);
  const candidates = [small, large];
  for (const text of [" ".repeat(90_000), "\n\t".repeat(45_000), "=".repeat(90_000), "a".repeat(90_000)]) {
    expect(filter.filter(chatCall({ text }), candidates)).toBe(candidates);
  }
  expect(ids(filter.filter(chatCall({ text: words(7_000) + " ".repeat(9_000) }), candidates))).toEqual(["large"]);
});

test("each input of an embedding and each prompt of a completion is by itself; token ids are exact", () => {
  const filter = contextFilter(factsOf);
  const embed = (inputs: readonly (string | readonly number[])[]): Call =>
    testCall({ operation: "embed", request: { model: "m", inputs } }) as unknown as Call;
  const complete = (prompts: readonly (string | readonly number[])[]): Call =>
    testCall({ operation: "complete", request: { model: "m", prompts } }) as unknown as Call;
  expect(ids(filter.filter(embed(Array(10).fill(words(5_000))), [small]))).toEqual(["small"]);
  expect(ids(filter.filter(embed([words(10), words(6_006)]), [small, large]))).toEqual(["large"]);
  expect(ids(filter.filter(embed([Array(1_000).fill(1)]), [small, large]))).toEqual(["small", "large"]);
  expect(ids(filter.filter(complete([Array(1_001).fill(1)]), [small, large]))).toEqual(["large"]);
});

test("the same array for all inputs that exceed the same windows", () => {
  const filter = contextFilter(factsOf);
  const candidates = [small, middle, large];
  const first = filter.filter(chatCall({ text: words(7_000) }), candidates);
  expect(filter.filter(chatCall({ text: words(8_000) }), candidates)).toBe(first);
  expect(ids(filter.filter(chatCall({ text: words(14_000) }), candidates))).toEqual(["large"]);
  const without = [unknown];
  expect(filter.filter(chatCall({ text: words(90_000) }), without)).toBe(without);
});
