import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ChatRequest, Message, Part, Tool } from "@signalbox/kernel";
import type { CachePoint } from "../src/index.ts";
import type { PlacementRules } from "../src/place-breakpoints.ts";
import { placeBreakpoints, withBreakpoints } from "../src/place-breakpoints.ts";

const text = (words: string, rest: Partial<Part> = {}): Part => ({ type: "text", text: words, ...rest }) as Part;
const say = (role: Message["role"], ...content: readonly (Part | string)[]): Message => ({
  role,
  content: content.map((part) => (typeof part === "string" ? text(part) : part)),
});
const tool = (name: string, rest: Partial<Tool> = {}): Tool => ({ type: "function", name, ...rest }) as Tool;
const call: Part = { type: "toolCall", id: "c", name: "look", arguments: "{}" };
const result = (...content: readonly Part[]): Part => ({ type: "toolResult", toolCallId: "c", content });
const thought: Part = { type: "reasoning", text: "Hm", signature: "s", origin: "anthropic" };
const SHORT: Partial<Part> = { cacheControl: {} };

const chat = (messages: readonly Message[], rest: Partial<ChatRequest> = {}): ChatRequest => ({
  model: "m",
  messages,
  ...rest,
});

const RULES: PlacementRules = { points: "auto", most: 4, minTokens: 0 };

/** `tools[0]`, `0.1` for the second part of the first message; with the lifetime, where there is one. */
function places(request: ChatRequest, rules: Partial<PlacementRules> = {}): readonly string[] {
  return placeBreakpoints(request, { ...RULES, ...rules }).added.map((one) => {
    const at = "tool" in one ? `tools[${one.tool}]` : `${one.message}.${one.part}`;
    return one.control.ttl === undefined ? at : `${at} ${one.control.ttl}`;
  });
}

const grown = [say("system", "S"), say("user", "1"), say("assistant", "2"), say("user", "3")];

describe("automatic places", () => {
  it.each<[string, ChatRequest, readonly string[]]>([
    ["a question alone", chat([say("user", "1")]), []],
    ["a question with instructions", chat([say("system", "S"), say("user", "1")]), ["0.0"]],
    ["several instructions", chat([say("system", "S"), say("developer", "D", "E"), say("user", "1")]), ["1.1"]],
    ["tools", chat([say("user", "1")], { tools: [tool("a"), tool("b")] }), ["tools[1]"]],
    ["a conversation", chat(grown), ["0.0", "1.0", "3.0"]],
    ["everything", chat(grown, { tools: [tool("a")] }), ["tools[0]", "0.0", "1.0", "3.0"]],
    ["a longer one", chat([...grown, say("assistant", "4"), say("user", "5")]), ["0.0", "3.0", "5.0"]],
    ["no instructions", chat([say("user", "1"), say("assistant", "2"), say("user", "3")]), ["0.0", "2.0"]],
    [
      "a loop of tools",
      chat([say("user", "1"), say("assistant", thought, call), say("tool", result(text("r"))), say("tool", result())]),
      ["0.0", "3.0"],
    ],
    ["an answer to go on with", chat([...grown, say("assistant", "and")]), ["0.0", "1.0", "3.0"]],
    ["instructions in between", chat([...grown, say("system", "T")]), ["0.0", "1.0", "4.0"]],
    [
      "an empty text at the end",
      chat([say("user", "1"), say("assistant", "2"), say("user", "3", " ")]),
      ["0.0", "2.0"],
    ],
    ["nothing that can bear one", chat([say("system", ""), say("user", "1")]), []],
    [
      "deferred tools",
      chat([say("user", "1")], { tools: [tool("a"), tool("b", { extra: { anthropic: { defer_loading: true } } })] }),
      ["tools[0]"],
    ],
    [
      "tools of vendors",
      chat([say("user", "1")], { tools: [tool("a"), { type: "server", origin: "anthropic", value: {} }] }),
      ["tools[0]"],
    ],
    [
      "pictures",
      chat([
        say("user", { type: "image", source: { type: "url", url: "u" } }),
        say("assistant", "2"),
        say("user", "3"),
      ]),
      ["0.0", "2.0"],
    ],
  ])("%s", (_name, request, expected) => expect(places(request)).toEqual(expected));

  it.each<[string, ChatRequest, readonly string[]]>([
    ["one", chat([say("system", text("S", SHORT)), ...grown.slice(1)]), ["1.0", "3.0"]],
    ["in front of the last part", chat([say("system", text("S", SHORT), "T"), say("user", "1")]), ["0.1"]],
    [
      "three: one place is left, for the instructions",
      chat([
        say("system", "S"),
        say("user", text("1", SHORT), text("1", SHORT)),
        say("assistant", text("2", SHORT)),
        say("user", "3"),
      ]),
      ["0.0"],
    ],
    [
      "four",
      chat([
        ...grown,
        say("assistant", text("4", SHORT), text("4", SHORT)),
        say("user", text("5", SHORT), text("6", SHORT)),
      ]),
      [],
    ],
    [
      "five, whatever the provider says to them",
      chat([say("system", "S"), say("user", ...Array.from({ length: 5 }, () => text("1", SHORT)))]),
      [],
    ],
    [
      "within a tool's result",
      chat([...grown.slice(0, 2), say("assistant", call), say("tool", result(text("r", SHORT), text("s", SHORT)))]),
      ["0.0", "1.0"],
    ],
    [
      "on a vendor's tool and block",
      chat(
        [
          ...grown,
          say("assistant", { type: "opaque", origin: "anthropic", value: { cache_control: { type: "ephemeral" } } }),
          say("user", "5"),
        ],
        { tools: [{ type: "server", origin: "anthropic", value: { cache_control: { type: "ephemeral" } } }] },
      ),
      ["0.0", "5.0"],
    ],
    ["on the whole request", chat(grown, { cacheControl: {}, tools: [tool("a")] }), ["tools[0]", "0.0", "1.0"]],
  ])("count the client's own: %s", (_name, request, expected) => expect(places(request)).toEqual(expected));

  it("count what the deployment adds", () => {
    expect(places(chat(grown), { atEnd: { ttl: "5m" } })).toEqual(["0.0", "1.0"]);
  });

  it("are fewer where a provider takes fewer", () => {
    const request = chat(grown, { tools: [tool("a")] });
    const { added, missing } = placeBreakpoints(request, { ...RULES, most: 2 });
    expect(added.map((one) => "message" in one && one.message)).toEqual([0, 3]);
    expect(missing).toEqual(["messages[1]: a request has at most 2", "tools: a request has at most 2"]);
  });

  it("begin where the model caches", () => {
    // a token for three bytes: 3,000 bytes are 1,000 tokens
    const request = chat([
      say("system", "s".repeat(3_000)),
      say("user", "u".repeat(71)),
      say("assistant", "2"),
      say("user", "3"),
    ]);
    expect(places(request, { minTokens: 1_024 })).toEqual(["3.0"]);
    expect(placeBreakpoints(request, { ...RULES, minTokens: 1_024 }).missing).toEqual([
      "system: less than 1024 tokens stand before it",
      "messages[1]: less than 1024 tokens stand before it",
    ]);
    expect(places(chat([say("system", "s".repeat(3_072)), say("user", "u")]), { minTokens: 1_024 })).toEqual(["0.0"]);
    const counted = chat([say("system", "s")], { tools: [tool("a", { description: "d".repeat(3_072) })] });
    expect(places(counted, { minTokens: 1_024 })).toEqual(["tools[0]", "0.0"]);
  });
});

describe("configured places", () => {
  const request = chat([...grown, say("assistant", "4"), say("user", "5")], { tools: [tool("a"), tool("b")] });
  it.each<[readonly CachePoint[], readonly string[], readonly string[]]>([
    [[{ location: "tools" }], ["tools[1]"], []],
    [[{ location: "message", role: "system" }], ["0.0"], []],
    [[{ location: "message", index: 0 }], ["0.0"], []],
    [[{ location: "message", index: -1 }], ["5.0"], []],
    [[{ location: "message", role: "user", index: -2 }], ["3.0"], []],
    [[{ location: "message", role: "user" }], ["1.0", "3.0", "5.0"], []],
    [
      [{ location: "tools" }, { location: "message", role: "system" }, { location: "message", role: "user" }],
      ["tools[1]", "0.0", "3.0", "5.0"],
      ["messages[1]: a request has at most 4"],
    ],
    [
      [
        { location: "message", index: -1 },
        { location: "message", role: "user", index: -1 },
      ],
      ["5.0"],
      [],
    ],
    [[{ location: "message", index: 9 }], [], ["message 9: there is nothing that can bear one"]],
    [[{ location: "message", role: "tool" }], [], ["message tool: there is nothing that can bear one"]],
    [[], [], []],
  ])("%j", (points, expected, missing) => {
    expect(places(request, { points })).toEqual(expected);
    expect(placeBreakpoints(request, { ...RULES, points }).missing).toEqual(missing);
  });
});

describe("lifetimes", () => {
  const hour: Partial<Part> = { cacheControl: { ttl: "1h" } };
  it.each<[string, ChatRequest, Partial<PlacementRules>, readonly string[]]>([
    ["as they are configured", chat(grown), { ttl: "1h" }, ["0.0 1h", "1.0 1h", "3.0 1h"]],
    [
      "of a point",
      chat(grown),
      {
        points: [
          { location: "message", role: "system", ttl: "1h" },
          { location: "message", index: -1 },
        ],
      },
      ["0.0 1h", "3.0"],
    ],
    [
      "a longer one behind makes those before it as long",
      chat(grown),
      {
        points: [
          { location: "message", role: "system" },
          { location: "message", index: -1, ttl: "1h" },
        ],
      },
      ["0.0 1h", "3.0 1h"],
    ],
    ["the client's longer one", chat([...grown.slice(0, 3), say("user", text("3", hour))]), {}, ["0.0 1h", "1.0 1h"]],
    [
      "the client's shorter one",
      chat([say("system", text("S", SHORT)), ...grown.slice(1)]),
      { ttl: "1h" },
      ["1.0 5m", "3.0 5m"],
    ],
    ["of the whole request", chat(grown, { cacheControl: { ttl: "1h" } }), {}, ["0.0 1h", "1.0 1h"]],
  ])("%s", (_name, request, rules, expected) => expect(places(request, rules)).toEqual(expected));
});

const control = fc.option(fc.constantFrom({}, { ttl: "5m" as const }, { ttl: "1h" as const }), {
  nil: undefined,
  freq: 6,
});
const anyPart: fc.Arbitrary<Part> = fc.oneof(
  fc
    .record({ words: fc.constantFrom("", " ", "word", "more words"), own: control })
    .map(({ words, own }) => text(words, own === undefined ? {} : { cacheControl: own })),
  fc.constantFrom<Part>(thought, call, result(text("r")), { type: "image", source: { type: "url", url: "u" } }),
);
const anyMessage: fc.Arbitrary<Message> = fc.record({
  role: fc.constantFrom("system", "user", "assistant", "tool", "developer"),
  content: fc.array(anyPart, { maxLength: 3 }),
});
const anyRequest = fc
  .record({
    messages: fc.array(anyMessage, { minLength: 1, maxLength: 10 }),
    tools: fc.array(fc.boolean(), { maxLength: 3 }),
    own: control,
  })
  .map(({ messages, tools, own }) =>
    chat(messages, {
      tools: tools.map((marked, index) => tool(`t${index}`, marked ? { cacheControl: {} } : {})),
      ...(own !== undefined && { cacheControl: own }),
    }),
  );
const anyPoint: fc.Arbitrary<CachePoint> = fc.oneof(
  fc.constant<CachePoint>({ location: "tools" }),
  fc
    .record({ index: fc.integer({ min: -4, max: 4 }) })
    .map(({ index }): CachePoint => ({ location: "message", index })),
  fc.constantFrom<CachePoint>(
    { location: "message", role: "system", ttl: "1h" },
    { location: "message", role: "user" },
  ),
);
const anyRules = fc.record({
  points: fc.oneof(fc.constant("auto" as const), fc.array(anyPoint, { maxLength: 5 })),
  most: fc.integer({ min: 1, max: 4 }),
  minTokens: fc.constantFrom(0, 3, 10),
});

/** Every breakpoint, in the order of the prompt; `true`: longer than usual. */
function marks({ messages, tools = [], cacheControl }: ChatRequest): readonly boolean[] {
  const controls = [
    ...tools.map((each) => (each as { cacheControl?: { ttl?: string } }).cacheControl),
    ...messages.flatMap(({ content }) => content.map((part) => part.cacheControl)),
    cacheControl,
  ];
  return controls.filter((each) => each !== undefined).map(({ ttl }) => ttl === "1h");
}

const isSorted = (long: readonly boolean[]): boolean =>
  !long.includes(true, long.indexOf(false) < 0 ? long.length : long.indexOf(false));

describe("whatever is asked for", () => {
  it("there are never too many, the client's stay, and a second time adds nothing", () => {
    fc.assert(
      fc.property(anyRequest, anyRules, (request, rules) => {
        const { added } = placeBreakpoints(request, rules);
        const marked = withBreakpoints(request, added);
        const own = marks(request).length;
        expect(marks(marked)).toHaveLength(own + added.length);
        expect(own + added.length).toBeLessThanOrEqual(Math.max(own, rules.most));
        for (const one of added) {
          if ("tool" in one) expect(request.tools?.[one.tool]).not.toHaveProperty("cacheControl");
          else expect(request.messages[one.message]?.content[one.part]?.cacheControl).toBeUndefined();
        }
        const without = JSON.parse(
          JSON.stringify(marked, (name, value) => (name === "cacheControl" ? undefined : value)),
        );
        const before = JSON.parse(
          JSON.stringify(request, (name, value) => (name === "cacheControl" ? undefined : value)),
        );
        expect(without).toEqual(before);
        expect(placeBreakpoints(marked, rules).added).toEqual([]);
        // a client that sorts its own keeps them sorted
        if (isSorted(marks(request))) expect(isSorted(marks(marked))).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  it("what one request of a conversation writes at its end, the next one reads", () => {
    const turn = fc.record({
      answer: fc.array(fc.constantFrom(text("an answer"), call, thought), { minLength: 1, maxLength: 30 }),
      next: fc.array(fc.constantFrom(say("user", "and"), say("tool", result(text("r"))), say("user", "")), {
        minLength: 1,
        maxLength: 30,
      }),
    });
    fc.assert(
      fc.property(fc.array(turn, { minLength: 1, maxLength: 6 }), fc.boolean(), (turns, system) => {
        const messages: Message[] = [...(system ? [say("system", "S")] : []), say("user", "first")];
        let ends: readonly string[] = [];
        for (const { answer, next } of turns) {
          messages.push({ role: "assistant", content: answer }, ...next);
          const now = places(chat(messages, { tools: [tool("a")] }));
          expect(now).toEqual(expect.arrayContaining(system ? ["tools[0]", "0.0"] : ["tools[0]"]));
          const written = now.at(-1) as string;
          expect(now).toEqual(expect.arrayContaining([...ends]));
          ends = [written];
        }
      }),
      { numRuns: 300 },
    );
  });
});
