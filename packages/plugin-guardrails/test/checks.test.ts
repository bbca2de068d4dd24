import * as re2js from "re2js";
import { describe, expect, it } from "vitest";
import type { ChatRequest, Guardrail, Plugin } from "@signalbox/kernel";
import { createGateway, replyOf } from "@signalbox/kernel";
import { testCall } from "@signalbox/kernel/testkit";
import { languageOf } from "../src/checks/language.ts";
import { patternTest } from "../src/checks/pattern-test.ts";
import { longestMatch } from "../src/detectors/pattern-bound.ts";
import type { GuardrailOptions, ToolRule } from "../src/index.ts";
import { guardrails } from "../src/index.ts";
import { SchemaError, validator } from "../src/schema/validate.ts";

async function one(options: GuardrailOptions): Promise<Guardrail> {
  return ((await guardrails([options])).guardrails ?? [])[0] as Guardrail;
}

function chat(facts: Partial<ChatRequest>) {
  return testCall({ operation: "chat", request: { model: "m", messages: [], ...facts } });
}

const says = (text: string) => [{ role: "user" as const, content: [{ type: "text" as const, text }] }];

describe("tools", () => {
  const rules: readonly ToolRule[] = [
    { tool: "read_*", effect: "deny", arguments: { "files[*].path": "^/etc/" } },
    { tool: "read_*", effect: "allow" },
    { tool: "*_all", effect: "deny" },
  ];
  const window = (tool: string, text: string, final = true) =>
    ({ tool, text, final, before: "", choice: 0, kind: "arguments" }) as const;

  it.each([
    ["read_file", '{"files":[{"path":"/home"}]}', "release"],
    ["read_file", '{"files":[{"path":"/home"},{"path":"/etc/passwd"}]}', "block"],
    ["read_file", '{"files":{"path":"/etc/passwd"}}', "release"],
    ["read_file", "no json", "release"],
    ["delete_all", "{}", "block"],
    ["other", "{}", "release"],
  ] as const)("%s(%s): %s", async (tool, text, action) => {
    const guardrail = await one({ type: "tools", name: "t", rules });
    expect(await guardrail.checkWindow?.(chat({}), window(tool, text))).toMatchObject({ action });
  });

  it("denies what no rule allows, if told so", async () => {
    const guardrail = await one({ type: "tools", name: "t", rules, otherwise: "deny" });
    expect(await guardrail.checkWindow?.(chat({}), window("other", "{}"))).toMatchObject({
      action: "block",
      category: "tool",
    });
    expect(await guardrail.checkWindow?.(chat({}), window("other", "", false))).toMatchObject({ action: "block" });
    expect(await guardrail.checkWindow?.(chat({}), window("read_x", "", false))).toEqual({
      action: "release",
      consume: 0,
    });
  });

  it("does not offer what is always denied", async () => {
    const guardrail = await one({ type: "tools", name: "t", rules });
    const tools = ["read_file", "delete_all"].map((name) => ({ type: "function" as const, name }));
    const verdict = await guardrail.checkRequest?.(chat({ tools }));
    expect(verdict).toMatchObject({ action: "rewrite", value: { tools: [{ name: "read_file" }] } });
    const forced = chat({ tools, toolChoice: { type: "tool", name: "delete_all" } });
    expect(await guardrail.checkRequest?.(forced)).toMatchObject({ action: "block" });
  });
});

describe("sizes and languages", () => {
  it("refuses what is too long", async () => {
    const guardrail = await one({ type: "size", name: "s", maxCharacters: 10, maxMessages: 2 });
    expect(await guardrail.checkRequest?.(chat({ messages: says("0123456789") }))).toEqual({ action: "allow" });
    expect(await guardrail.checkRequest?.(chat({ messages: says("0123456789a") }))).toMatchObject({ category: "size" });
    const three = [...says("a"), ...says("b"), ...says("c")];
    expect(await guardrail.checkRequest?.(chat({ messages: three }))).toMatchObject({ action: "block" });
  });

  it.each([
    ["Please tell me how the weather is in the north of the country.", "en"],
    ["Wie ist das Wetter heute in der Stadt und was soll ich anziehen?", "de"],
    ["Quel temps fait-il aujourd'hui dans le nord de la France et que dois-je faire ?", "fr"],
    ["¿Cómo está el tiempo hoy en el norte de la ciudad y qué debo hacer?", "es"],
    ["今日の天気はどうですか", "ja"],
    ["今天天气怎么样", "zh"],
    ["Какая сегодня погода?", "ru"],
    ["ls -la /var/log", undefined],
    ["ok", undefined],
  ])("%s is %s", (text, language) => {
    expect(languageOf(text)).toBe(language);
  });

  it("refuses other languages where it is sure", async () => {
    const guardrail = await one({ type: "languages", name: "l", allow: ["en"] });
    expect(await guardrail.checkRequest?.(chat({ messages: says("今日の天気はどうですか") }))).toMatchObject({
      category: "language",
    });
    expect(await guardrail.checkRequest?.(chat({ messages: says("xyzzy") }))).toEqual({ action: "allow" });
  });
});

describe("schemas", () => {
  const pattern = (source: string) => patternTest(source, re2js);
  const errors = (schema: object, value: unknown) => validator(schema as never, pattern).errors(value);

  it.each([
    [{ type: "integer" }, 1, true],
    [{ type: "integer" }, 1.5, false],
    [{ type: ["string", "null"] }, null, true],
    [{ type: "object", required: ["a"] }, { b: 1 }, false],
    [{ type: "object", required: ["toString"] }, {}, false],
    [{ properties: { a: { type: "string" } }, additionalProperties: false }, { a: "x" }, true],
    [{ properties: { a: { type: "string" } }, additionalProperties: false }, { a: "x", b: 1 }, false],
    [{ patternProperties: { "^x-": { type: "number" } } }, { "x-a": "1" }, false],
    [{ items: { minimum: 3 } }, [3, 4], true],
    [{ items: { minimum: 3 } }, [3, 2], false],
    [{ prefixItems: [{ const: 1 }], items: false }, [1, 2], false],
    [{ uniqueItems: true }, [1, 1], false],
    [{ contains: { const: 2 }, maxContains: 1 }, [2, 2], false],
    [{ enum: [{ a: 1 }] }, { a: 1 }, true],
    [{ minLength: 2 }, "🌍", false],
    [{ pattern: "^a+$" }, "aaa", true],
    [{ pattern: "^a+$" }, "aab", false],
    [{ multipleOf: 0.1 }, 0.3, true],
    [{ exclusiveMinimum: 0 }, 0, false],
    [{ anyOf: [{ type: "string" }, { minimum: 5 }] }, 4, false],
    [{ oneOf: [{ minimum: 1 }, { minimum: 2 }] }, 3, false],
    [{ not: { type: "string" } }, "a", false],
    [JSON.parse('{"if":{"required":["a"]},"then":{"required":["b"]}}'), { a: 1 }, false],
    [{ $ref: "#/$defs/a", $defs: { a: { type: "string" } } }, 1, false],
    [
      { $defs: { tree: { properties: { next: { $ref: "#/$defs/tree" } }, required: ["v"] } }, $ref: "#/$defs/tree" },
      { v: 1, next: {} },
      false,
    ],
    [{ dependentRequired: { a: ["b"] } }, { a: 1 }, false],
  ])("%j of %j: %s", (schema, value, fits) => {
    expect(errors(schema, value).length === 0).toBe(fits);
  });

  it("does not pass over what it does not understand, and has an end", () => {
    expect(() => errors({ unevaluatedProperties: false }, {})).toThrow(SchemaError);
    expect(() => errors({ $ref: "https://example.com/schema" }, {})).toThrow(SchemaError);
    expect(() => errors({ $ref: "#" }, {})).toThrow(SchemaError);
    const twice = (depth: number): object =>
      depth === 0 ? { type: "string" } : { anyOf: [twice(depth - 1), twice(depth - 1)] };
    expect(() => errors({ allOf: Array.from({ length: 64 }, () => twice(12)) }, 1)).toThrow(SchemaError);
  });

  it("tells no values", () => {
    expect(errors({ properties: { a: { type: "number" } } }, { a: "secret" })).toEqual(["/a must be number"]);
  });

  const FORMAT = {
    type: "jsonSchema",
    name: "n",
    schema: { type: "object", required: ["n"], properties: { n: { type: "number" } } },
  } as const;

  async function ask(answers: readonly string[], repair?: boolean) {
    const requests: ChatRequest[] = [];
    const vendor: Plugin = {
      name: "vendor",
      providers: [
        {
          name: "vendor",
          operations: {
            chat: ({ request }) =>
              replyOf<"chat">(() => {
                const text = answers[requests.push(request) - 1] ?? "";
                return {
                  id: "1",
                  model: "m",
                  createdAt: 1,
                  usage: { inputTokens: 1, outputTokens: 1 },
                  choices: [{ index: 0, finishReason: "stop", content: [{ type: "text", text }] }],
                };
              }),
          },
        },
      ],
    };
    const schema = await guardrails([{ type: "schema", name: "schema", ...(repair !== undefined && { repair }) }]);
    const gateway = await createGateway({
      plugins: [vendor, schema],
      deployments: [{ id: "m", model: "m", provider: "vendor", upstreamModel: "m" }],
    });
    const reply = gateway.chat({ model: "m", messages: [{ role: "user", content: "hi" }], responseFormat: FORMAT });
    return { requests, reply: reply.finally(() => gateway.close()) };
  }

  it("asks the model once more, with what is wrong", async () => {
    const { reply, requests } = await ask(['{"n":"1"}', '{"n":1}']);
    expect((await reply).choices[0]?.content).toEqual([{ type: "text", text: '{"n":1}' }]);
    expect(JSON.stringify(requests[1]?.messages)).toContain("/n must be number");
  });

  it("refuses when the second answer does not fit, or none may be asked for", async () => {
    const twice = await ask(["no json", "{}"]);
    await expect(twice.reply).rejects.toMatchObject({ code: "guardrail_blocked", details: { category: "schema" } });
    expect(twice.requests).toHaveLength(2);
    const once = await ask(["{}"], false);
    await expect(once.reply).rejects.toMatchObject({ code: "guardrail_blocked" });
    expect(once.requests).toHaveLength(1);
  });
});

describe("bounds of expressions", () => {
  it.each([
    ["abc", 3],
    ["a{2,5}|bcd", 5],
    ["(?:ab)?c", 3],
    ["[a-z]{3}", 6],
    ["a+", Number.POSITIVE_INFINITY],
    ["^a", Number.POSITIVE_INFINITY],
    ["\\bPRJ-\\d{1,4}\\b", 12],
    ["(?i)a", 1],
    ["(?P<n>ab)c", 3],
    ["\\Qa+\\E", Number.POSITIVE_INFINITY],
  ])("%s: %d", (source, longest) => {
    expect(longestMatch(source)).toBe(longest);
  });

  it("is slow for no text", () => {
    const test = patternTest("(a+)+$", re2js);
    const text = `${"a".repeat(65_536)}b`;
    const start = performance.now();
    expect(test(text)).toBe(false);
    expect(performance.now() - start).toBeLessThan(2_000);
  });
});
