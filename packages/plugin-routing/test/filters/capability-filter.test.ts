import { describe, expect, test } from "vitest";
import type { CallOptions, ChatRequest, Deployment, Message, Part } from "@signalbox/kernel";
import { testCall } from "@signalbox/kernel/testkit";
import { capabilityFilter } from "../../src/filters/capability-filter.ts";
import type { ChatCallInput } from "../calls.ts";
import { chatCall, deployment, factsOf, ids, known } from "../calls.ts";

const unknown = deployment("unknown");
const able = known("able", {
  supportsVision: true,
  supportsAudioInput: true,
  supportsPdfInput: true,
  supportsFunctionCalling: true,
  supportsResponseSchema: true,
  supportsReasoning: true,
});
const bare = known("bare", {
  supportsVision: false,
  supportsAudioInput: false,
  supportsPdfInput: false,
  supportsFunctionCalling: false,
  supportsResponseSchema: false,
  supportsReasoning: false,
});

const text: Part = { type: "text", text: "What is this?" };
const image: Part = { type: "image", source: { type: "url", url: "https://example.com/cat.png" } };
const audio: Part = { type: "audio", source: { type: "data", mediaType: "audio/wav", data: "AAAA" } };
const pdf: Part = { type: "document", source: { type: "data", mediaType: "application/pdf", data: "AAAA" } };
const file: Part = { type: "document", source: { type: "file", fileId: "file-1" } };
const note: Part = { type: "document", source: { type: "text", text: "A note." } };
const plain: Part = { type: "document", source: { type: "data", mediaType: "text/plain", data: "AAAA" } };
const result = (part: Part): Part => ({ type: "toolResult", toolCallId: "1", content: [text, part] });
const tool = { type: "function", name: "weather" } as const;
const schema = { type: "jsonSchema", name: "answer", schema: { type: "object" } } as const;

function kept(input: ChatCallInput, candidates: readonly Deployment[] = [bare, unknown, able]): readonly string[] {
  return ids(capabilityFilter(factsOf).filter(chatCall(input), candidates));
}

function user(...content: readonly Part[]): Message {
  return { role: "user", content };
}

describe("what a request needs is never sent to a model that is known not to have it", () => {
  const cases: readonly [string, ChatCallInput, string][] = [
    ["an image", { parts: [text, image] }, "it does not take images"],
    ["an image that a tool returned", { parts: [result(image)] }, "it does not take images"],
    [
      "an image in an earlier turn",
      { request: { messages: [user(image), { role: "assistant", content: [text] }, user(text)] } },
      "it does not take images",
    ],
    ["audio", { parts: [audio] }, "it does not take audio"],
    ["a PDF", { parts: [pdf, text] }, "it does not take documents"],
    ["a file of unknown type", { parts: [file] }, "it does not take documents"],
    ["tools", { request: { tools: [tool] } }, "it does not call tools"],
    ["a schema", { request: { responseFormat: schema } }, "it does not answer by a JSON schema"],
    ["an effort", { request: { reasoning: { effort: "low" } } }, "it does not reason"],
    ["thinking", { request: { reasoning: { mode: "adaptive" } } }, "it does not reason"],
    ["a budget of thoughts", { request: { reasoning: { budgetTokens: 2_000 } } }, "it does not reason"],
  ];
  test.each(cases)("%s", (_name, input, lack) => {
    const call = chatCall(input);
    const left = capabilityFilter(factsOf).filter(call, [bare, unknown, able]);
    expect(ids(left)).toEqual(["unknown", "able"]);
    expect(call.trace.skipped).toEqual([
      { deployment: "bare", reason: `model "up-bare": ${lack}`, code: "unsupported_operation" },
    ]);
  });
});

describe("near misses need nothing", () => {
  const requests: readonly [string, ChatCallInput][] = [
    ["text", { parts: [text] }],
    ["a text with a title", { parts: [note, plain] }],
    ["an image that the model made itself", { request: { messages: [{ role: "assistant", content: [image] }] } }],
    ["no tools", { request: { tools: [] } }],
    ["a tool that the provider runs", { request: { tools: [{ type: "server", origin: "openai", value: {} }] } }],
    ["JSON without a schema", { request: { responseFormat: { type: "json" } } }],
    ["effort none", { request: { reasoning: { effort: "none" } } }],
    ["thinking disabled", { request: { reasoning: { mode: "disabled", budgetTokens: 0 } } }],
    ["only a way to show reasoning", { request: { reasoning: { display: "omitted" } } }],
    ["thoughts of another model", { parts: [{ type: "reasoning", text: "Hm." }] }],
  ];
  test.each(requests)("%s", (_name, input) => {
    const candidates = [bare, able];
    expect(capabilityFilter(factsOf).filter(chatCall(input), candidates)).toBe(candidates);
  });

  test("other operations", () => {
    const candidates = [bare];
    const call = testCall({ operation: "embed", request: { model: "m", inputs: ["a"] } });
    expect(capabilityFilter(factsOf).filter(call as never, candidates)).toBe(candidates);
  });
});

test("only what a model lacks is missed, and all of it is named", () => {
  const blind = known("blind", { supportsVision: false, supportsFunctionCalling: true, supportsReasoning: false });
  const call = chatCall({ parts: [image], request: { tools: [tool], reasoning: { effort: "high" } } });
  expect(ids(capabilityFilter(factsOf).filter(call, [blind, able]))).toEqual(["able"]);
  expect(call.trace.skipped?.[0]?.reason).toBe(`model "up-blind": it does not take images, it does not reason`);
  expect(kept({ request: { tools: [tool] } }, [blind, bare])).toEqual(["blind"]);
});

test("counting tokens of an image needs a model that sees", () => {
  const chat: ChatRequest = { model: "m", messages: [user(image)], tools: [tool] };
  const call = testCall({ operation: "countTokens", request: { model: "m", chat } });
  const blind = known("blind", { supportsVision: false });
  const toolless = known("toolless", { supportsFunctionCalling: false });
  expect(ids(capabilityFilter(factsOf).filter(call as never, [blind, toolless]))).toEqual(["toolless"]);
});

describe("where parameters may be left out", () => {
  const request = { tools: [tool], reasoning: { effort: "low" } } as const;
  const dropping = { ...bare, id: "dropping", dropParams: true };

  test("an able model goes first, one that drops them serves when there is no other", () => {
    expect(kept({ request }, [dropping, able])).toEqual(["able"]);
    expect(kept({ request }, [bare, dropping])).toEqual(["dropping"]);
    expect(kept({ request, options: { dropParams: true } }, [bare, dropping])).toEqual(["bare", "dropping"]);
    expect(kept({ request, options: { dropParams: false } }, [bare, dropping])).toEqual([]);
  });

  test("content is never left out", () => {
    expect(kept({ parts: [image], options: { dropParams: true } }, [bare, dropping])).toEqual([]);
  });

  test("what is named on purpose needs nobody who knows it", () => {
    const named = { ...bare, id: "named", allowedParams: ["reasoning_effort"], additionalDropParams: ["tools"] };
    expect(kept({ request }, [bare, named])).toEqual(["named"]);
    const wishes: readonly CallOptions[] = [
      { allowedParams: ["tools", "reasoning_effort"] },
      { additionalDropParams: ["tools", "reasoning_effort"] },
    ];
    for (const options of wishes) expect(kept({ request, options }, [bare, able])).toEqual(["bare", "able"]);
    expect(kept({ request, options: { allowedParams: ["tools"] } }, [bare, able])).toEqual(["able"]);
  });

  test("calls with different wishes are told apart", () => {
    const filter = capabilityFilter(factsOf);
    const candidates = [bare, dropping];
    const strict = chatCall({ request, options: { dropParams: false } });
    for (let round = 0; round < 2; round++) {
      expect(ids(filter.filter(chatCall({ request }), candidates))).toEqual(["dropping"]);
      expect(filter.filter(strict, candidates)).toEqual([]);
      expect(ids(filter.filter(chatCall({ request, options: { dropParams: true } }), candidates))).toEqual([
        "bare",
        "dropping",
      ]);
    }
  });
});

test("candidates of whom nothing is lacking are not looked at, and the request is not read", () => {
  const unread = new Proxy({} as ChatRequest, {
    get(_target, name) {
      if (name === "model") return "m";
      throw new Error(`the request was read: ${String(name)}`);
    },
  });
  const call = testCall({ operation: "chat", request: unread });
  const candidates = [unknown, able];
  expect(capabilityFilter(factsOf).filter(call as never, candidates)).toBe(candidates);
  const toolless = [known("toolless", { supportsFunctionCalling: false })];
  expect(() => capabilityFilter(factsOf).filter(call as never, toolless)).toThrow("the request was read: tools");
});

test("the same array is given again, and facts are asked for once per list", () => {
  let asked = 0;
  const filter = capabilityFilter((candidate) => {
    asked += 1;
    return factsOf(candidate);
  });
  const candidates = [bare, able, unknown];
  const first = filter.filter(chatCall({ parts: [image] }), candidates);
  const before = asked;
  for (let round = 0; round < 100; round++) {
    expect(filter.filter(chatCall({ parts: [image] }), candidates)).toBe(first);
    expect(filter.filter(chatCall(), candidates)).toBe(candidates);
  }
  expect(asked).toBe(before);
});
