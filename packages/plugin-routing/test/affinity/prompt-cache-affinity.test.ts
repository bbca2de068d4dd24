import { describe, expect, test } from "vitest";
import type { Call, ChatRequest, Message, Outcome, Part } from "@signalbox/kernel";
import { GatewayError, MemoryState } from "@signalbox/kernel";
import { testCall } from "@signalbox/kernel/testkit";
import type { Affinity } from "../../src/affinity/affinity.ts";
import type { PromptCacheAffinityOptions } from "../../src/affinity/prompt-cache-affinity.ts";
import { promptCacheAffinity } from "../../src/affinity/prompt-cache-affinity.ts";
import type { ChatCallInput } from "../calls.ts";
import { chatCall, deployment, factsOf, known } from "../calls.ts";

const a = deployment("a");
const b = deployment("b");
const c = deployment("c");
const group = [a, b, c];
const ANSWERED: Outcome = { ok: true, firstEventMs: 1, durationMs: 1 };

/** 4,096 code units are 1,024 tokens. */
const LONG = "Be kind and brief. ".repeat(216).slice(0, 4_096);
const OTHER = "Be rude and windy. ".repeat(216).slice(0, 4_096);

const system = (text: string): Message => ({ role: "system", content: [{ type: "text", text }] });
const user = (text: string): Message => ({ role: "user", content: [{ type: "text", text }] });
const assistant = (text: string): Message => ({ role: "assistant", content: [{ type: "text", text }] });
const marked = (text: string): Part => ({ type: "text", text, cacheControl: {} });

function affinityOf(options: PromptCacheAffinityOptions = {}, state = new MemoryState()): Affinity {
  return promptCacheAffinity(options, { state, facts: factsOf, fallbacks: {} });
}

function chat(messages: readonly Message[], more: Partial<ChatRequest> = {}, input: ChatCallInput = {}): Call {
  return chatCall({ ...input, request: { messages, ...more } });
}

/** The call is answered by this deployment. */
function served(affinity: Affinity, call: Call, by = b): void {
  affinity.preferred(call, group);
  affinity.report?.(by, ANSWERED, call);
}

describe("another call with the same beginning", () => {
  test("goes where the first was answered", () => {
    const affinity = affinityOf();
    served(affinity, chat([system(LONG), user("What is rain?")]));
    const call = chat([system(LONG), user("What is snow?")]);
    expect(affinity.preferred(call, group)).toBe(b);
    expect(call.trace.notes).toEqual([
      { stage: "route", text: 'prompt-cache affinity: "b" has served this beginning before' },
    ]);
  });

  test("of tools", () => {
    const affinity = affinityOf();
    const tool = (description: string) => ({ type: "function", name: "look", description }) as const;
    served(affinity, chat([user("One?")], { tools: [tool(LONG)] }));
    expect(affinity.preferred(chat([user("Two?")], { tools: [tool(LONG)] }), group)).toBe(b);
    expect(affinity.preferred(chat([user("Two?")], { tools: [tool(OTHER)] }), group)).toBeUndefined();
    const schema = (property: string) =>
      ({ ...tool(LONG), parameters: { type: "object", properties: { [property]: {} } } }) as const;
    served(affinity, chat([user("One?")], { tools: [schema("city")] }), c);
    expect(affinity.preferred(chat([user("Two?")], { tools: [schema("city")] }), group)).toBe(c);
    expect(affinity.preferred(chat([user("Two?")], { tools: [schema("town")] }), group)).toBeUndefined();
  });

  test("of a conversation, with another last question", () => {
    const affinity = affinityOf();
    const before = [user(LONG), assistant("Yes.")];
    served(affinity, chat([...before, user("Why?")]));
    expect(affinity.preferred(chat([...before, user("How?")]), group)).toBe(b);
    expect(affinity.preferred(chat([user(LONG), assistant("No."), user("How?")]), group)).toBeUndefined();
  });
});

describe("near misses", () => {
  const first = [system(LONG), user("What is rain?")];
  const misses: readonly [string, () => Call][] = [
    ["another text of the same length", () => chat([system(OTHER), user("What is rain?")])],
    ["one letter less", () => chat([system(LONG.slice(0, -1)), user("What is rain?")])],
    ["another role", () => chat([user(LONG), user("What is rain?")])],
    ["tools before it", () => chat(first, { tools: [{ type: "function", name: "look" }] })],
    ["the same text in two messages", () => chat([system(LONG.slice(0, 2_000)), system(LONG.slice(2_000))])],
    ["another caller", () => chat(first, {}, { principal: { id: "key-2" } })],
    ["the same caller in a team", () => chat(first, {}, { principal: { teamId: "red" } })],
  ];
  test.each(misses)("%s", (_name, call) => {
    const affinity = affinityOf();
    served(affinity, chat(first));
    expect(affinity.preferred(chat(first), group)).toBe(b);
    expect(affinity.preferred(call(), group)).toBeUndefined();
  });

  test("keys of one team share what they have in common", () => {
    const affinity = affinityOf();
    served(affinity, chat(first, {}, { principal: { id: "key-1", teamId: "red" } }));
    expect(affinity.preferred(chat(first, {}, { principal: { id: "key-2", teamId: "red" } }), group)).toBe(b);
    expect(affinity.preferred(chat(first, {}, { principal: { id: "key-1", teamId: "blue" } }), group)).toBeUndefined();
    expect(affinity.preferred(chat(first, {}, { principal: { id: "red" } }), group)).toBeUndefined();
  });

  test("another model", () => {
    const affinity = affinityOf();
    served(affinity, chat(first));
    expect(
      affinity.preferred(
        chat(first),
        [b, a].map((each) => ({ ...each, model: "n" })),
      ),
    ).toBeUndefined();
  });
});

describe("short beginnings are kept by no provider", () => {
  test.each([
    [4_096, b],
    [4_095, undefined],
  ])("%i code units", (units, expected) => {
    const affinity = affinityOf();
    served(affinity, chat([system(LONG.slice(0, units)), user("What is rain?")]));
    expect(affinity.preferred(chat([system(LONG.slice(0, units)), user("What is snow?")]), group)).toBe(expected);
  });

  test("the least length is an option", () => {
    const affinity = affinityOf({ minTokens: 10 });
    served(affinity, chat([system("x".repeat(40)), user("1")]));
    expect(affinity.preferred(chat([system("x".repeat(40)), user("2")]), group)).toBe(b);
    served(affinity, chat([system("y".repeat(39)), user("1")]));
    expect(affinity.preferred(chat([system("y".repeat(39)), user("2")]), group)).toBeUndefined();
  });
});

describe("a conversation stays where it is as it grows", () => {
  const turns = (count: number, extra: readonly Message[] = []): readonly Message[] => [
    system("Be brief."),
    user(LONG),
    ...Array.from({ length: count }, (_, at) => [assistant(`Answer ${at}.`), user(`Question ${at}?`)]).flat(),
    ...extra,
  ];

  test("turn by turn", () => {
    const affinity = affinityOf();
    served(affinity, chat(turns(0)));
    for (let count = 1; count < 6; count++) {
      const call = chat(turns(count));
      expect(affinity.preferred(call, group)).toBe(b);
      affinity.report?.(b, ANSWERED, call);
    }
  });

  test("also when a turn in between was not seen, but not after two", () => {
    const affinity = affinityOf();
    served(affinity, chat(turns(0)));
    expect(affinity.preferred(chat(turns(2)), group)).toBe(b);
    expect(affinity.preferred(chat(turns(3)), group)).toBeUndefined();
  });

  test("the longest beginning that is known wins", () => {
    const affinity = affinityOf();
    served(affinity, chat(turns(0)), a);
    served(affinity, chat(turns(1)), c);
    expect(affinity.preferred(chat(turns(2)), group)).toBe(c);
    expect(affinity.preferred(chat(turns(0)), group)).toBe(a);
  });

  test("through a loop of tools, with thoughts that a later turn leaves out", () => {
    const affinity = affinityOf();
    const call = (id: string, thought: boolean): Message => ({
      role: "assistant",
      content: [
        ...(thought ? [{ type: "reasoning", text: "Hm." } as const] : []),
        { type: "toolCall", id, name: "look", arguments: `{"at":"${id}"}` },
      ],
    });
    const result = (id: string): Message => ({
      role: "tool",
      content: [{ type: "toolResult", toolCallId: id, content: [{ type: "text", text: `found ${id}` }] }],
    });
    served(affinity, chat([user(LONG)]));
    const second = chat([user(LONG), call("1", true), result("1")]);
    expect(affinity.preferred(second, group)).toBe(b);
    affinity.report?.(c, ANSWERED, second);
    const third = chat([user(LONG), call("1", false), result("1"), call("2", true), result("2")]);
    expect(affinity.preferred(third, group)).toBe(c);
    const other = chat([user(LONG), call("1", true), result("2"), call("2", true), result("2")]);
    expect(affinity.preferred(other, group)).toBe(b);
  });
});

describe("the client's own marks", () => {
  const question = (text: string): Message => ({ role: "user", content: [marked(LONG), { type: "text", text }] });

  test("say what is kept: what follows the last one does not matter", () => {
    const affinity = affinityOf();
    served(affinity, chat([question("What is rain?")]));
    expect(affinity.preferred(chat([question("What is snow?")]), group)).toBe(b);
    const unmarked: Message = { role: "user", content: [{ type: "text", text: LONG }] };
    expect(affinity.preferred(chat([unmarked, user("What is snow?")]), group)).toBeUndefined();
  });

  test("several: the longest known one wins, the shorter ones are kept too", () => {
    const affinity = affinityOf();
    const instructions: Message = { role: "system", content: [marked(LONG)] };
    const file = (text: string): Message => ({ role: "user", content: [marked(text)] });
    served(affinity, chat([instructions, file("File one."), user("?")]), b);
    served(affinity, chat([instructions, file("File two."), user("?")]), c);
    expect(affinity.preferred(chat([instructions, file("File one."), user("!")]), group)).toBe(b);
    expect(affinity.preferred(chat([instructions, file("File two."), user("!")]), group)).toBe(c);
    expect(affinity.preferred(chat([instructions, file("File three."), user("!")]), group)).toBe(c);
  });

  test("that move on with the conversation", () => {
    const affinity = affinityOf();
    const asked: Message = { role: "user", content: [marked(LONG)] };
    served(affinity, chat([asked]));
    const again: Message = { role: "user", content: [{ type: "text", text: LONG }] };
    const next: Message = { role: "user", content: [marked("And now?")] };
    expect(affinity.preferred(chat([again, assistant("Yes."), next]), group)).toBe(b);
    expect(affinity.preferred(chat([again, assistant("No."), next]), group)).toBe(b);
  });

  test("on tools, and on the whole request", () => {
    const affinity = affinityOf();
    const tools = [{ type: "function", name: "look", description: LONG, cacheControl: {} }] as const;
    served(affinity, chat([user("One?")], { tools }));
    expect(affinity.preferred(chat([user("Two?")], { tools }), group)).toBe(b);
    served(affinity, chat([system(LONG), user("One?")], { cacheControl: {} }), c);
    const grown = [system(LONG), user("One?"), assistant("Yes."), user("Two?")];
    expect(affinity.preferred(chat(grown, { cacheControl: {} }), group)).toBe(c);
    expect(affinity.preferred(chat([system(LONG), user("Two?")], { cacheControl: {} }), group)).toBeUndefined();
  });
});

test("pictures are told apart by what they are, and large ones are not read through", () => {
  const affinity = affinityOf();
  const picture = (data: string): Message => ({
    role: "user",
    content: [
      { type: "text", text: LONG },
      { type: "image", source: { type: "data", mediaType: "image/png", data } },
    ],
  });
  const large = "A".repeat(5_000_000);
  served(affinity, chat([picture(large), user("?")]));
  expect(affinity.preferred(chat([picture(large), user("?")]), group)).toBe(b);
  expect(affinity.preferred(chat([picture(`${large.slice(1)}B`), user("?")]), group)).toBeUndefined();
  expect(affinity.preferred(chat([picture(`${large}A`), user("?")]), group)).toBeUndefined();
  const began = performance.now();
  for (let at = 0; at < 100; at++) affinity.preferred(chat([picture(large), user("?")]), group);
  expect((performance.now() - began) / 100).toBeLessThan(1);
});

test("a deployment that is not there is passed over for the one with the next shorter beginning", () => {
  const affinity = affinityOf();
  served(affinity, chat([user(LONG)]), a);
  served(affinity, chat([user(LONG), assistant("Yes."), user("Why?")]), b);
  const call = chat([user(LONG), assistant("Yes."), user("Why?")]);
  expect(affinity.preferred(call, [a, c])).toBe(a);
  expect(call.trace.notes?.map(({ text }) => text)).toEqual([
    'prompt-cache affinity: "b" cannot serve it now',
    'prompt-cache affinity: "a" has served this beginning before',
  ]);
});

test("only answers are remembered, for their time", async () => {
  const affinity = affinityOf({ ttlMs: 50 });
  const messages = [system(LONG), user("What is rain?")];
  const call = chat(messages);
  affinity.preferred(call, group);
  affinity.report?.(a, { ...ANSWERED, ok: false, error: new GatewayError("provider_error", "it failed") }, call);
  expect(affinity.preferred(chat(messages), group)).toBeUndefined();
  affinity.report?.(b, ANSWERED, call);
  expect(affinity.preferred(chat(messages), group)).toBe(b);
  await new Promise((resolve) => setTimeout(resolve, 60));
  expect(affinity.preferred(chat(messages), group)).toBeUndefined();
});

test("nothing is read where there is no choice, where nobody keeps anything, and of other operations", () => {
  const affinity = affinityOf();
  const unread = new Proxy({} as ChatRequest, {
    get(_target, name) {
      if (name === "model") return "m";
      throw new Error("the request was read");
    },
  });
  const call = testCall({ operation: "chat", request: unread }) as unknown as Call;
  const forgetful = [known("x", { supportsPromptCaching: false }), known("y", { supportsPromptCaching: false })];
  expect(affinity.preferred(call, [a])).toBeUndefined();
  expect(affinity.preferred(call, forgetful)).toBeUndefined();
  affinity.report?.(a, ANSWERED, call);
  expect(() => affinity.preferred(call, [...forgetful, a])).toThrow("the request was read");
  const embed = testCall({ operation: "embed", request: { model: "m", inputs: [LONG] } }) as unknown as Call;
  expect(affinity.preferred(embed, group)).toBeUndefined();
  affinity.report?.(a, ANSWERED, embed);
});
