import { describe, expect, it } from "vitest";
import type { ChatResult, Guardrail, PipelineStep } from "../src/index.ts";
import { guardrailPipeline, maskPattern } from "../src/index.ts";
import { testCall } from "../src/testkit/index.ts";

function call(text: string) {
  return testCall({
    operation: "chat",
    request: { model: "m", messages: [{ role: "user", content: [{ type: "text", text }] }] },
  });
}

function result(text: string): ChatResult {
  const content = [{ type: "text" as const, text }];
  return {
    id: "1",
    model: "m",
    createdAt: 1,
    usage: { inputTokens: 1, outputTokens: 1 },
    choices: [{ index: 0, content, finishReason: "stop" }],
  };
}

const ran: string[] = [];

/** Blocks what holds its name. */
function blocks(name: string): Guardrail {
  return {
    name,
    checkRequest(checked) {
      ran.push(name);
      return JSON.stringify(checked.request).includes(name)
        ? { action: "block", reason: `has ${name}`, category: name }
        : { action: "allow" };
    },
    checkWindow: (_call, { text }) =>
      text.includes(name) ? { action: "block", reason: `has ${name}` } : { action: "release", consume: text.length },
  };
}

async function judged(steps: readonly PipelineStep[], text: string) {
  ran.length = 0;
  return await guardrailPipeline({ name: "p", steps }).checkRequest?.(call(text));
}

const [cheap, dear] = [blocks("cheap"), blocks("dear")];

describe("a pipeline of guardrails", () => {
  it("runs all steps, and blocks by the first that does", async () => {
    expect(await judged([{ guardrail: cheap }, { guardrail: dear }], "fine")).toEqual({ action: "allow" });
    expect(ran).toEqual(["cheap", "dear"]);
    expect(await judged([{ guardrail: cheap }, { guardrail: dear }], "cheap")).toEqual({
      action: "block",
      reason: "has cheap",
      category: "cheap",
    });
    expect(ran).toEqual(["cheap"]);
  });

  it("asks the expensive one only where the cheap one has doubts", async () => {
    const steps: PipelineStep[] = [{ guardrail: cheap, onPass: "allow", onFail: "next" }, { guardrail: dear }];
    expect(await judged(steps, "fine dear")).toEqual({ action: "allow" });
    expect(ran).toEqual(["cheap"]);
    expect(await judged(steps, "cheap")).toEqual({ action: "allow" });
    expect(ran).toEqual(["cheap", "dear"]);
    expect(await judged(steps, "cheap dear")).toMatchObject({ action: "block", category: "dear" });
  });

  it("jumps, routes and passes on what was changed", async () => {
    const mask = maskPattern({ name: "mask", pattern: /dear/, mask: "[x]" });
    expect(await judged([{ guardrail: mask }, { guardrail: dear }], "dear")).toMatchObject({ action: "rewrite" });
    const jump: PipelineStep[] = [
      { guardrail: cheap, onPass: { step: "mask" } },
      { guardrail: dear },
      { guardrail: mask },
    ];
    expect(await judged(jump, "dear")).toMatchObject({ action: "rewrite" });
    expect(ran).toEqual(["cheap"]);
    const route: PipelineStep[] = [{ guardrail: cheap, onFail: { reroute: "small" } }, { guardrail: dear }];
    expect(await judged(route, "cheap dear")).toEqual({ action: "reroute", model: "small", reason: "has cheap" });
    expect(await judged([{ guardrail: cheap, onPass: "block" }], "fine")).toMatchObject({ action: "block" });
  });

  it("judges replies in the same way", async () => {
    const mask = maskPattern({ name: "mask", pattern: /dear/, mask: "[x]" });
    const pipeline = guardrailPipeline({
      name: "p",
      steps: [{ guardrail: cheap, onFail: "next" }, { guardrail: mask }, { guardrail: dear }],
    });
    expect(await pipeline.checkResult?.(call("?"), result("fine"))).toEqual({ action: "allow" });
    expect(await pipeline.checkResult?.(call("?"), result("cheap and dear"))).toMatchObject({
      action: "rewrite",
      value: { choices: [{ content: [{ text: "cheap and [x]" }] }] },
    });
    const strict = guardrailPipeline({ name: "p", steps: [{ guardrail: cheap }] });
    expect(await strict.checkResult?.(call("?"), result("cheap"))).toMatchObject({
      action: "block",
      reason: "has cheap",
    });
  });

  it("refuses moves that lead nowhere, or back", () => {
    expect(() => guardrailPipeline({ name: "p", steps: [] })).toThrow(/has no steps/);
    const back: PipelineStep[] = [{ guardrail: cheap }, { guardrail: dear, onFail: { step: "cheap" } }];
    expect(() => guardrailPipeline({ name: "p", steps: back })).toThrow(
      /moves from "dear" to "cheap", which is not behind it/,
    );
  });
});
