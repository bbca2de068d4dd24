import assert from "node:assert/strict";
import type { CanonicalChatEvent, ChatEvent } from "../chat/event.ts";
import { ChatFold } from "../chat/fold.ts";
import type { Part, ToolCallPart } from "../chat/part.ts";
import { textOf } from "../chat/part.ts";
import type { ChatRequest } from "../chat/request.ts";
import type { ChatResult } from "../chat/result.ts";
import { collectReply, isFrame } from "../reply.ts";
import { checkChatEvents, checkSeconds } from "./check-chat-events.ts";
import { checkUsage, compactUsage } from "./check-usage.ts";
import { withoutUndefined } from "./compare.ts";
import type { Delivery, Exchange } from "./exchange.ts";
import type { Bench, ProviderKit } from "./provider-bench.ts";
import { PLAIN_REQUEST, withBench } from "./provider-bench.ts";
import type { ChatScenario, ExpectedChat } from "./provider-wire.ts";
import type { Cases } from "./runner.ts";

const WEATHER_TOOL: ChatRequest["tools"] = [
  {
    type: "function",
    name: "get_weather",
    description: "The weather in a city.",
    parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
  },
];

/** Scenario, the capability that leaves it out, and what the kit asks. `undefined`: it cannot be left out. */
const SCENARIOS = {
  text: [undefined, {}],
  toolCall: ["toolCall", { tools: WEATHER_TOOL }],
  parallelToolCalls: ["parallelToolCalls", { tools: WEATHER_TOOL }],
  reasoning: ["reasoning", {}],
  refusal: ["refusal", {}],
  cachedUsage: ["cachedUsage", {}],
  length: ["length", { maxOutputTokens: 5 }],
} as const;

type ScenarioName = keyof typeof SCENARIOS;

/** Every chat scenario, plain and streamed, in every delivery. */
export function chatCases(kit: ProviderKit, cases: Cases): void {
  const { chat } = kit.wire;
  for (const [name, [capability, request]] of Object.entries(SCENARIOS) as [
    ScenarioName,
    readonly [string | undefined, Partial<ChatRequest>],
  ][]) {
    const scenario = chat?.[name];
    const needs = capability === undefined ? [] : [capability];
    if (needs.every((need) => cases.has(need)) === (scenario !== undefined)) {
      if (scenario === undefined) cases.add(`chat: ${name}`, () => {}, needs);
      else scenarioCases(kit, cases, name, scenario, request);
      continue;
    }
    cases.add(`chat: ${name}`, () => {
      assert.fail(
        scenario === undefined
          ? `give wire.chat.${name}, or declare capabilities.${capability ?? "chat"}: false`
          : `wire.chat.${name} is given, but capabilities.${capability} is declared false`,
      );
    });
  }
  for (const [name, scenario] of Object.entries(chat?.more ?? {})) scenarioCases(kit, cases, name, scenario, {});
}

function scenarioCases(
  kit: ProviderKit,
  cases: Cases,
  name: string,
  scenario: ChatScenario,
  own: Partial<ChatRequest>,
): void {
  const request: ChatRequest = { ...PLAIN_REQUEST, ...own, ...scenario.request };
  if (!cases.has("network")) {
    const none: Exchange = { status: 500, bodyText: "this provider was declared to need no network" };
    cases.add(`chat: ${name}`, () => checkDeliveries(kit, request, scenario, none, ["whole"], scenario.expected));
    const expected = scenario.expectedStream ?? scenario.expected;
    const streamed = { ...request, stream: true };
    cases.add(`chat: ${name}, streamed`, () => checkDeliveries(kit, streamed, scenario, none, ["whole"], expected), [
      "streaming",
    ]);
    return;
  }
  cases.add(`chat: ${name}`, async () => {
    const { reply } = scenario;
    assert.ok(reply !== undefined, `wire.chat "${name}" has no reply`);
    await checkDeliveries(kit, request, scenario, reply, ["whole", "lines", "bytes"], scenario.expected);
  });
  cases.add(`chat: ${name}, streamed`, async () => {
    const { stream } = scenario;
    assert.ok(stream !== undefined, `wire.chat "${name}" has no stream`);
    const deliveries: Delivery[] = ["whole", "lines", "bytes", 7];
    if (stream.chunks !== undefined) deliveries.push("recorded");
    const streamed = { ...request, stream: true };
    await checkDeliveries(kit, streamed, scenario, stream, deliveries, scenario.expectedStream ?? scenario.expected);
  }, ["streaming"]);
}

/** However the network cuts the answer, it is the expected one. */
async function checkDeliveries(
  kit: ProviderKit,
  request: ChatRequest,
  scenario: ChatScenario,
  exchange: Exchange,
  deliveries: readonly Delivery[],
  expected: ExpectedChat,
): Promise<void> {
  let first: unknown;
  for (const delivery of deliveries) {
    const whole: Exchange = { ...exchange, delivery };
    await withBench(kit, whole, {}, async (bench) => {
      const result = await checkAnswer(bench, request, scenario);
      assert.deepEqual(summary(result, expected), summaryOf(expected), `delivered as "${delivery}"`);
      const comparable = withoutIds(result);
      first ??= comparable;
      assert.deepEqual(comparable, first, `delivered as "${delivery}", the result differs from "${deliveries[0]}"`);
    });
  }
}

async function checkAnswer(bench: Bench, request: ChatRequest, scenario: ChatScenario): Promise<ChatResult> {
  const attempt = bench.attempt({ operation: "chat", request, deployment: scenario.deployment });
  const reply = bench.reply(attempt);
  const { events, result } = await collectReply(reply);
  assert.deepEqual(await reply.next(), { done: true, value: undefined }, "a reply ends once, with its only result");
  const canonical = events.map(canonicalEvent);
  const { native: _, ...own } = result;
  checkResult(own);
  if (request.stream === true) {
    checkChatEvents(canonical);
    const fold = new ChatFold();
    for (const event of canonical) fold.push(event);
    assert.deepEqual(withoutUndefined(own), withoutUndefined(fold.result()), "the result is what the events fold to");
  } else if (canonical.length > 0) checkChatEvents(canonical);
  return own;
}

function canonicalEvent(event: ChatEvent): CanonicalChatEvent {
  assert.ok(!isFrame(event), "frames belong to the native lane: this attempt carries no native request");
  return event as CanonicalChatEvent;
}

function checkResult(result: ChatResult): void {
  assert.ok(result.id !== "", "result.id is empty");
  assert.ok(result.model !== "", "result.model is empty");
  checkSeconds(result.createdAt, "result.createdAt");
  checkUsage(result.usage);
  for (const [index, choice] of result.choices.entries()) assert.equal(choice.index, index, "choices are in order");
}

/** Ids are compared only where the scenario names them. */
function summary(result: ChatResult, expected: ExpectedChat): unknown {
  const [choice] = result.choices;
  assert.ok(choice !== undefined, "the result has no choice");
  const joined = (type: "reasoning" | "refusal"): string =>
    choice.content.map((part) => (part.type === type ? part.text : "")).join("");
  return summaryOf({
    text: textOf(choice.content),
    reasoning: joined("reasoning"),
    refusal: joined("refusal"),
    toolCalls: choice.content.filter(isToolCall).map(({ id, name, arguments: text }, index) => {
      assert.ok(id !== "", `the call of tool "${name}" has no id`);
      const named = expected.toolCalls?.[index]?.id !== undefined;
      return { ...(named && { id }), name, arguments: parsed(text) };
    }),
    finishReason: choice.finishReason,
    usage: result.usage,
  });
}

function summaryOf(expected: ExpectedChat): unknown {
  return {
    text: expected.text ?? "",
    reasoning: expected.reasoning ?? "",
    refusal: expected.refusal ?? "",
    toolCalls: expected.toolCalls ?? [],
    finishReason: expected.finishReason,
    usage: compactUsage(expected.usage),
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text; // a custom tool's free text
  }
}

function isToolCall(part: Part): part is ToolCallPart {
  return part.type === "toolCall";
}

/** Ids and times that a provider makes up itself differ from run to run. */
function withoutIds(result: ChatResult): unknown {
  const choices = result.choices.map((choice) => ({
    ...choice,
    content: choice.content.map((part) => (isToolCall(part) ? { ...part, id: "" } : part)),
  }));
  return withoutUndefined({ ...result, id: "", createdAt: 0, choices });
}
