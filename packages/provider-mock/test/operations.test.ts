import { describe, expect, test } from "vitest";
import { collectReply, resultOf } from "@signalbox/kernel";
import { mock } from "../src/index.ts";
import { attemptOf, begin, user } from "./attempt.ts";

const provider = mock({ dimensions: 64 });

describe("the other operations", () => {
  test("embeddings are unit vectors; shared words make texts near", async () => {
    const inputs = ["the cat sat on the mat", "The cat sat on a mat!", "quarterly revenue grew", [1, 2], ""];
    const { embeddings, usage } = await resultOf(begin(provider, "embed", { model: "echo", inputs }));
    const dot = (one: ArrayLike<number>, other: ArrayLike<number>) =>
      Array.from(one).reduce((sum, number, index) => sum + number * (other[index] ?? 0), 0);
    for (const vector of embeddings) {
      expect(vector).toHaveLength(64);
      expect(dot(vector, vector)).toBeCloseTo(1, 10);
    }
    expect(dot(embeddings[0] ?? [], embeddings[1] ?? [])).toBeGreaterThan(0.6);
    expect(dot(embeddings[0] ?? [], embeddings[2] ?? [])).toBeLessThan(0.4);
    expect(usage).toEqual({ inputTokens: 6 + 6 + 6 + 1, outputTokens: 0 });
    const small = await resultOf(begin(provider, "embed", { model: "echo", inputs: ["a"], dimensions: 3 }));
    expect(small.embeddings[0]).toHaveLength(3);
  });

  test("countTokens says what a chat would be charged", async () => {
    const chat = user("how many tokens are these", { tools: [{ type: "function", name: "f" }] });
    const counted = await resultOf(begin(provider, "countTokens", { model: "echo", chat }));
    const { usage } = await resultOf(begin(provider, "chat", chat));
    expect(counted).toEqual({ inputTokens: 15 });
    expect(usage.inputTokens).toBe(15);
  });

  test("complete, whole and streamed", async () => {
    const request = { model: "echo", prompts: ["one", [1, 2]], choiceCount: 2, stream: true, echo: true };
    const { events, result } = await collectReply(begin(provider, "complete", request));
    expect(result.choices).toEqual([
      { index: 0, text: "oneone", finishReason: "stop" },
      { index: 1, text: "oneone", finishReason: "stop" },
      { index: 2, text: "1 21 2", finishReason: "stop" },
      { index: 3, text: "1 21 2", finishReason: "stop" },
    ]);
    expect(result.usage).toEqual({ inputTokens: 2, outputTokens: 8 });
    expect(events.slice(0, 3)).toEqual([
      { type: "replyStart", id: result.id, model: "echo", createdAt: 1_767_225_600 },
      { type: "textDelta", choice: 0, text: "oneone" },
      { type: "choiceEnd", choice: 0, finishReason: "stop" },
    ]);
    expect(events).toHaveLength(9);
  });

  test("complete breaks in the middle", async () => {
    const request = { model: "chunks-4+fault-midstream", prompts: ["x"], stream: true };
    const texts: string[] = [];
    await expect(
      (async () => {
        for await (const event of begin(provider, "complete", request)) {
          if (event.type === "textDelta") texts.push(event.text);
        }
      })(),
    ).rejects.toMatchObject({ code: "provider_error" });
    expect(texts).toEqual(["This", " is"]);
  });

  test("rerank puts documents that share words first", async () => {
    const documents = ["bread and butter", { text: "red wine from France" }, "white wine"];
    const request = { model: "echo", query: "red wine", documents, topCount: 2, returnDocuments: true };
    const { results } = await resultOf(begin(provider, "rerank", request));
    expect(results.map(({ index, document }) => ({ index, document }))).toEqual([
      { index: 1, document: { text: "red wine from France" } },
      { index: 2, document: "white wine" },
    ]);
  });

  test("moderate flags its words", async () => {
    const inputs = ["fine", "UNSAFE thing"].map((text) => [{ type: "text" as const, text }]);
    const { results } = await resultOf(begin(provider, "moderate", { model: "echo", inputs }));
    expect(results).toEqual([
      { flagged: false, categories: { violence: false }, scores: { violence: 0 } },
      { flagged: true, categories: { violence: true }, scores: { violence: 1 } },
    ]);
  });

  test("faults hold for all of them", async () => {
    const request = { model: "fault-429", inputs: ["x"] };
    await expect(resultOf(begin(provider, "embed", request))).rejects.toMatchObject({
      code: "provider_rate_limited",
    });
  });

  test("the listing", async () => {
    const { deployment, transport, signal } = attemptOf("embed", { model: "echo", inputs: [] });
    const models = await provider.listModels?.({ deployment, transport, signal });
    expect(models?.map(({ id }) => id)).toEqual(["echo", "fixed", "reasoning", "refusal"]);
  });
});
