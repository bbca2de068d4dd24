import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { listen } from "@signalbox/express/node";
import type { Cache, Call, Gateway } from "@signalbox/kernel";
import { cacheKey, createGateway } from "@signalbox/kernel";
import { anthropicDialects } from "@signalbox/provider-anthropic";
import { mock } from "@signalbox/provider-mock";
import { openaiDialects } from "@signalbox/provider-openai";

type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };
type Path = readonly (string | number)[];

const schema = { type: "object", properties: { city: { type: "string", enum: ["Paris", null] } }, required: ["city"] };

const CHAT = {
  model: "mock/echo",
  messages: [
    { role: "system", content: "Be brief." },
    {
      role: "user",
      content: [
        { type: "text", text: "What is it?" },
        { type: "image_url", image_url: { url: "https://example.com/a.png", detail: "low" } },
        { type: "input_audio", input_audio: { data: "AAAA", format: "wav" } },
      ],
    },
    {
      role: "assistant",
      content: null,
      tool_calls: [{ id: "call_1", type: "function", function: { name: "weather", arguments: '{"city":"Paris"}' } }],
    },
    { role: "tool", tool_call_id: "call_1", content: "20 degrees" },
    { role: "user", content: "And now?" },
  ],
  tools: [
    { type: "function", function: { name: "weather", description: "Tells it", parameters: schema, strict: true } },
  ],
  tool_choice: { type: "function", function: { name: "weather" } },
  response_format: { type: "json_schema", json_schema: { name: "answer", schema, strict: false } },
  temperature: 0.5,
  max_completion_tokens: 100,
  logit_bias: { "50256": -100 },
  stop: ["END"],
  n: 2,
  user: "u-1",
} satisfies Json;

const MESSAGES = {
  model: "mock/echo",
  max_tokens: 100,
  system: [{ type: "text", text: "Be brief.", cache_control: { type: "ephemeral" } }],
  messages: [
    {
      role: "user",
      content: [
        { type: "text", text: "What is it?" },
        { type: "image", source: { type: "base64", media_type: "image/png", data: "AAAA" } },
        {
          type: "document",
          source: { type: "text", media_type: "text/plain", data: "A story" },
          title: "Story",
          citations: { enabled: true },
        },
      ],
    },
    { role: "assistant", content: [{ type: "tool_use", id: "t_1", name: "weather", input: { city: "Paris" } }] },
    { role: "user", content: [{ type: "tool_result", tool_use_id: "t_1", content: "20 degrees" }] },
  ],
  tools: [{ name: "weather", description: "Tells it", input_schema: schema }],
  tool_choice: { type: "auto", disable_parallel_tool_use: true },
  thinking: { type: "enabled", budget_tokens: 1024 },
  temperature: 1,
  stop_sequences: ["END"],
} satisfies Json;

const DIALECTS: readonly (readonly [string, Json & object])[] = [
  ["/v1/chat/completions", CHAT],
  ["/v1/messages", MESSAGES],
  [
    "/v1/completions",
    { model: "mock/echo", prompt: "Once upon", max_tokens: 10, logit_bias: { "1": 2 }, suffix: "end" },
  ],
  ["/v1/embeddings", { model: "mock/echo", input: "a story", dimensions: 16, user: "u-1" }],
];

/** What is no part of the question. */
const WITHOUT_EFFECT: ReadonlySet<string | number> = new Set(["model", "stream", "stream_options", "metadata"]);

let seen: string | undefined;
/** Remembers by which key an answer was looked for. */
const watching: Cache = {
  async find(call) {
    seen = cacheKey(call as unknown as Call);
    return undefined;
  },
  keep: async () => undefined,
  forget: async () => undefined,
};

let gateway: Gateway;
let url: string;
let close: () => Promise<void>;

beforeAll(async () => {
  gateway = await createGateway({
    plugins: [
      { name: "vendors", providers: [mock()], dialects: [...openaiDialects(), ...anthropicDialects()] },
      { name: "watching", cache: watching },
    ],
  });
  const listener = await listen(gateway, { port: 0 });
  url = listener.url;
  close = async () => {
    await listener.close();
    await gateway.close();
  };
});
afterAll(() => close());

/** Undefined for a request that is refused before anything is looked for. */
async function keyOf(
  path: string,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<string | undefined> {
  seen = undefined;
  const response = await fetch(url + path, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body,
  });
  await response.arrayBuffer();
  return seen;
}

/** The same value, written by somebody else. */
function rewritten(value: Json, choose: () => number): string {
  const space = () => ["", " ", "\n\t"][choose() % 3] as string;
  if (typeof value === "number")
    return [String(value), value.toExponential(), value.toPrecision(18)][choose() % 3] as string;
  if (typeof value === "string") {
    const text = JSON.stringify(value);
    return choose() % 2 === 0 ? text : text.replace(/[a-z]/, (letter) => `\\u00${letter.charCodeAt(0).toString(16)}`);
  }
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (Array.isArray(value))
    return `[${space()}${value.map((item: Json) => rewritten(item, choose)).join(`${space()},`)}]`;
  const members = Object.entries(value as Record<string, Json>).map(
    ([name, member]) =>
      [choose(), `${space()}${JSON.stringify(name)}${space()}:${space()}${rewritten(member, choose)}`] as const,
  );
  return `{${members
    .toSorted(([one], [other]) => one - other)
    .map(([, text]) => text)
    .join(",")}${space()}}`;
}

/** All places of a request, those without effect left out. */
function placesOf(value: Json, path: Path = []): readonly Path[] {
  if (path.length === 1 && WITHOUT_EFFECT.has(path[0] as string)) return [];
  if (typeof value !== "object" || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([name, member]) => placesOf(member as Json, [...path, name]))];
}

/** Another value at a place: a new member of an object, another item of a list, another word or number. */
function changed(value: Json, [name, ...rest]: Path, added: Json): Json {
  if (name !== undefined) {
    if (Array.isArray(value))
      return value.map((item: Json, at) => (at === Number(name) ? changed(item, rest, added) : item));
    const members = value as Readonly<Record<string, Json>>;
    return { ...members, [name]: changed(members[name] as Json, rest, added) };
  }
  if (Array.isArray(value)) return [...value, ...value.slice(-1)];
  if (typeof value === "object" && value !== null) return { ...value, x_new: added };
  if (typeof value === "string") return `${value}!`;
  if (typeof value === "number") return value + 1;
  return value === null ? "null" : !value;
}

describe.each(DIALECTS)("two requests to %s", (path, base) => {
  it("share an entry however they are written, and streamed or not", async () => {
    const key = await keyOf(path, JSON.stringify(base));
    expect(key).toMatch(/^[\w-]{43}$/);
    await fc.assert(
      fc.asyncProperty(fc.infiniteStream(fc.nat(1_000)), fc.boolean(), async (numbers, streamed) => {
        const choose = (): number => numbers.next().value as number;
        const body: Json = streamed && path !== "/v1/embeddings" ? { ...base, stream: true } : base;
        expect(await keyOf(path, rewritten(body, choose))).toBe(key);
      }),
      { numRuns: 60 },
    );
  });

  it("never share one when anything is different in them, known or not, at any depth", async () => {
    const key = await keyOf(path, JSON.stringify(base));
    const keys = new Map<string, Path>();
    let refused = 0;
    for (const place of placesOf(base)) {
      const other = await keyOf(path, JSON.stringify(changed(base, place, { deep: [1] })));
      if (other === undefined) {
        refused += 1;
        continue;
      }
      expect(other, `${place.join(".")} has no effect`).not.toBe(key);
      expect(keys.get(other), `${place.join(".")} is taken for another place`).toBeUndefined();
      keys.set(other, place);
    }
    // words that are checked, such as roles and types
    expect(refused).toBeLessThan(placesOf(base).length / 2);
  });
});

describe("requests", () => {
  it("with other headers that reach the model never share an entry", async () => {
    const body = JSON.stringify(MESSAGES);
    const key = await keyOf("/v1/messages", body, { "anthropic-version": "2023-06-01" });
    const headers = { "anthropic-version": "2023-06-01", "anthropic-beta": "interleaved-thinking-2025-05-14" };
    expect(await keyOf("/v1/messages", body, headers)).not.toBe(key);
    const named = { "anthropic-version": "2023-06-01", "x-request-id": "r-1", "user-agent": "somebody" };
    expect(await keyOf("/v1/messages", body, named)).toBe(key);
  });
});
