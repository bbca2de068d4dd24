import { afterAll, describe, expect, it } from "vitest";
import type { Guardrail } from "@signalbox/kernel";
import { Secret } from "@signalbox/kernel";
import { createTransport } from "@signalbox/kernel/http";
import type { Exchange, SentRequest } from "@signalbox/kernel/testkit";
import { replayServer, testCall, testGuardrail, testRemoteGuardrail } from "@signalbox/kernel/testkit";
import type { PresidioGuardrailOptions } from "../src/index.ts";
import { presidioGuardrails } from "../src/index.ts";

const KEY = "presidio-credential-4711";

interface Entity {
  readonly entity_type: string;
  readonly start: number;
  readonly end: number;
  readonly score: number;
}

const MEMBERS = ["ad_hoc_recognizers", "entities", "language", "score_threshold", "text"];

/** Counts in code points, as Python does. */
function found(text: string, pattern: RegExp, type: string, score: number): readonly Entity[] {
  return [...text.matchAll(pattern)].map((match) => {
    const start = [...text.slice(0, match.index)].length;
    return { entity_type: type, start, end: start + [...match[0]].length, score };
  });
}

function analyze(request: SentRequest): Exchange {
  const body = JSON.parse(request.body) as Record<string, unknown>;
  const { text, language, entities, score_threshold: least = 0 } = body;
  if (Object.keys(body).some((name) => !MEMBERS.includes(name)) || typeof text !== "string" || language !== "en") {
    return { status: 500, body: { error: "bad request" } };
  }
  const all = [
    ...found(text, /(?:Ada|Бабушка|花子)(?: Lovelace)?/gu, "PERSON", 0.85),
    ...found(text, /[a-z.]+@[a-z.]+[a-z]/g, "EMAIL_ADDRESS", 1),
    // as the real one does: a part of the address is a URL, too
    ...found(text, /(?<=@)[a-z.]+[a-z]/g, "URL", 0.5),
  ];
  const wanted = all.filter(
    ({ entity_type, score }) =>
      score >= (least as number) && ((entities as string[] | undefined)?.includes(entity_type) ?? true),
  );
  return { body: wanted.map((entity) => ({ ...entity, analysis_explanation: null })) };
}

function anonymize(request: SentRequest): Exchange {
  const body = JSON.parse(request.body) as {
    text: string;
    anonymizers?: Record<string, { type: string; new_value: string }>;
    analyzer_results: Entity[];
  };
  const points = [...body.text];
  let text = "";
  let read = 0;
  const items: object[] = [];
  for (const { entity_type, start, end } of body.analyzer_results.filter(({ entity_type: type }) => type !== "URL")) {
    text += points.slice(read, start).join("");
    const word = body.anonymizers?.[entity_type]?.new_value ?? `<${entity_type}>`;
    const from = [...text].length;
    text += word;
    items.unshift({ start: from, end: from + [...word].length, entity_type, text: word, operator: "replace" });
    read = end;
  }
  return { body: { text: text + points.slice(read).join(""), items } };
}

function service(request: SentRequest): Exchange {
  if (request.headers.authorization !== `Bearer ${KEY}`) return { status: 401 };
  if (request.method !== "POST") return { status: 405 };
  if (request.path === "/analyze") return analyze(request);
  return request.path === "/anonymize" ? anonymize(request) : { status: 404 };
}

function made(baseUrl: string, options: Partial<PresidioGuardrailOptions> = {}): Guardrail {
  const { guardrails = [] } = presidioGuardrails([{ name: "pii", baseUrl, apiKey: new Secret(KEY), ...options }]);
  return guardrails[0] as Guardrail;
}

const runner = { describe, it };
const server = await replayServer(service);
const transport = createTransport();
afterAll(async () => {
  await server.close();
  await transport.close?.();
});
const user = (text: string) => [{ role: "user" as const, content: [{ type: "text" as const, text }] }];
const asked = (text: string) => testCall({ operation: "chat", request: { model: "m", messages: user(text) } });

testRemoteGuardrail({
  runner,
  service,
  guardrail: made,
  blocked: "I am Ada Lovelace",
  secret: "Lovelace",
  category: "PERSON",
  credentials: [KEY],
  wrongShape: [{ entity_type: "PERSON", start: -1, end: "x" }],
});

const LONG = `${"👋 la ".repeat(40)}Ada Lovelace, ${"ля ".repeat(50)}ada@example.com${" 世界".repeat(60)}`;

testGuardrail({
  runner,
  guardrail: () => made(server.url, { transport, windowCharacters: 48, overlapCharacters: 32 }),
  masked: [
    { text: "👋🏽 I am Ada Lovelace, 🌍 ada@example.com!", released: "👋🏽 I am [PERSON], 🌍 [EMAIL_ADDRESS]!" },
    { text: "Бабушка и 花子 👩‍👩‍👧", released: "[PERSON] и [PERSON] 👩‍👩‍👧" },
    { text: LONG, released: LONG.replace("Ada Lovelace", "[PERSON]").replace("ada@example.com", "[EMAIL_ADDRESS]") },
    { text: '{"to":"\\ud83d\\udc4b Ada"}', released: '{"to":"\\ud83d\\udc4b [PERSON]"}', kind: "arguments" },
    { text: "thinking of Ada", released: "thinking of [PERSON]", kind: "reasoning" },
  ],
  requests: [
    { messages: user("🌍 I am Ada"), expected: user("🌍 I am [PERSON]") },
    { messages: user("nobody"), expected: user("nobody") },
  ],
  unreachable: () => made("http://127.0.0.1:9", { transport }),
  capabilities: { blocks: false },
});

describe("Presidio", () => {
  it("is sent what the options say", async () => {
    const guardrail = made(server.url, { transport, entities: ["PERSON"], scoreThreshold: 0.4, cache: false });
    const before = server.sent.length;
    expect(await guardrail.checkRequest?.(asked("Ada, ada@example.com"))).toMatchObject({
      action: "rewrite",
      value: { messages: user("[PERSON], ada@example.com") },
      reason: "masked 1 PERSON",
    });
    expect(JSON.parse(server.sent[before]?.body ?? "")).toEqual({
      text: "Ada, ada@example.com",
      language: "en",
      entities: ["PERSON"],
      score_threshold: 0.4,
    });
  });

  it("gives placeholders, where masks are reversible", async () => {
    const call = asked("👋 I am Ada");
    const guardrail = made(server.url, { transport, reversible: true });
    const verdict = await guardrail.checkRequest?.(call);
    if (verdict?.action !== "rewrite") throw new Error("it was not masked");
    const [message] = verdict.value.messages;
    const [part] = message?.content ?? [];
    const text = part?.type === "text" ? part.text : "";
    expect(text).toMatch(/^👋 I am \[PERSON_[A-Z2-7]{13}\]$/);
    const window = { text: `Hello, ${text.slice(8)}!`, before: "", final: true, choice: 0, kind: "text" } as const;
    expect(await guardrail.checkWindow?.(call as never, window)).toMatchObject({ text: "Hello, Ada!" });
  });

  it("uses an anonymizer's words where there is one", async () => {
    const anonymizers = { PERSON: { type: "replace", new_value: "jemand 🙂" } };
    const options = { transport, anonymizerUrl: server.url, anonymizers };
    expect(await made(server.url, options).checkRequest?.(asked("👋 Ada, 花子: ada@example.com 🌍"))).toMatchObject({
      value: { messages: user("👋 jemand 🙂, jemand 🙂: <EMAIL_ADDRESS> 🌍") },
    });
  });

  it.each([
    [{ name: "pii" }, /baseUrl/],
    [{ name: "pii", baseUrl: "http://a", entites: [] }, /entites/],
    [{ name: "pii", baseUrl: "http://a", mode: "during" }, /masks/],
  ])("%j is refused", (options, message) => {
    expect(() => presidioGuardrails([options as never])).toThrow(message);
  });
});
