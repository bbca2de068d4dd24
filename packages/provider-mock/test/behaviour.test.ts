import { describe, expect, test } from "vitest";
import { knownWords, looksLikeBehaviour, parseBehaviour } from "../src/behaviour.ts";

const NOTHING = {
  reply: undefined,
  slowMs: undefined,
  lateMs: undefined,
  chunkCount: undefined,
  gapMs: undefined,
  fault: undefined,
  retryAfterMs: undefined,
  splitBytes: undefined,
};

describe("names of mock models", () => {
  test.each([
    ["echo", { reply: "echo" }],
    ["greeter", { reply: "greeter" }],
    ["slow-200ms", { slowMs: 200 }],
    ["slow-2s", { slowMs: 2000 }],
    ["late-0ms", { lateMs: 0 }],
    ["chunks-100", { chunkCount: 100 }],
    ["chunks-100-every-10ms", { chunkCount: 100, gapMs: 10 }],
    ["fault-429", { fault: { name: "429", first: undefined, each: undefined } }],
    ["fault-429-first-2", { fault: { name: "429", first: 2, each: undefined } }],
    ["fault-half-json-each-10", { fault: { name: "half-json", first: undefined, each: 10 } }],
    ["fault-503+retry-after-2s", { fault: { name: "503", first: undefined, each: undefined }, retryAfterMs: 2000 }],
    ["fixed+split-1+slow-1ms", { reply: "fixed", splitBytes: 1, slowMs: 1 }],
  ])("%s", (model, expected) => {
    expect(parseBehaviour(model, ["greeter"])).toEqual({ ...NOTHING, ...expected });
  });

  test.each([
    ["ecko", 'the mock provider has no model "ecko". Did you mean "echo"?'],
    ["fault-42", 'the mock provider has no model "fault-42". Did you mean "fault-402" or "fault-422" or "fault-429"?'],
    [
      "echo+slow-200",
      'the mock provider has no model "echo+slow-200": it does not know the word "slow-200". Did you mean "slow-200ms"?',
    ],
    ["echo+fixed", 'mock model "echo+fixed" says "fixed" twice over'],
    ["slow-1ms+slow-2ms", 'mock model "slow-1ms+slow-2ms" says "slow-2ms" twice over'],
  ])("%s is refused with a remedy", (model, problem) => {
    expect(parseBehaviour(model, [])).toEqual({ problem });
  });

  test.each([
    "",
    "chunks-0",
    "chunks-1-every-x",
    "split-0",
    "fault-constructor",
    "fault-429-first-0",
    "slow-1h",
    "echo+",
  ])("%j is refused", (model) => {
    expect(parseBehaviour(model, [])).toHaveProperty("problem");
  });

  test("every listed word is a model", () => {
    for (const word of knownWords(["greeter"]))
      expect([word, parseBehaviour(word, ["greeter"])]).not.toHaveProperty("1.problem");
  });

  test("names of real models do not look like mock models, misspelt ones do", () => {
    const names = ["gpt-5", "claude-opus-5", "llama3.2:latest", "fault-42", "slow-x", "a+b"];
    expect(names.filter(looksLikeBehaviour)).toEqual(["fault-42", "slow-x", "a+b"]);
  });
});
