import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";
import { afterEach, describe, expect, it } from "vitest";
import type { AttemptRecord, Deployment, Plugin } from "@signalbox/kernel";
import { Secret } from "@signalbox/kernel";
import { budgets } from "@signalbox/plugin-budgets";
import { pricing } from "@signalbox/plugin-pricing";
import type { PromptCachingOptions } from "@signalbox/plugin-prompt-caching";
import { promptCaching } from "@signalbox/plugin-prompt-caching";
import type { ScriptedGateway, ScriptedOptions } from "../e2e/scripted-gateway.ts";
import { CLIENT_KEY, chatReply, scriptedGateway, UPSTREAM_KEY } from "../e2e/scripted-gateway.ts";
import type { CachingUpstream } from "./caching-upstream.ts";
import { cachingUpstream } from "./caching-upstream.ts";

/** A day on which claude-sonnet-4-5 cost 3 US dollars a million, 3.75 and 6 written, 0.30 read. */
const DAY = Date.parse("2025-11-20T12:00:00Z");
const SONNET = "anthropic/claude-sonnet-4-5";

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

interface Running extends ScriptedGateway {
  readonly upstream: CachingUpstream;
  readonly notes: string[];
  readonly lanes: AttemptRecord["lane"][];
}

async function running(options: PromptCachingOptions = {}, more: Partial<ScriptedOptions> = {}): Promise<Running> {
  const notes: string[] = [];
  const lanes: AttemptRecord["lane"][] = [];
  const watch: Plugin = {
    name: "watch",
    on: {
      callSucceeded({ trace }) {
        for (const { stage, text } of trace.notes ?? []) if (stage === "prompt-cache") notes.push(text);
        lanes.push(...trace.attempts.map(({ lane }) => lane));
      },
    },
  };
  const plugins = [pricing({ now: () => DAY }), budgets(), promptCaching(options), watch];
  const scripted = await scriptedGateway({ plugins, ...more });
  closing.push(() => scripted.close());
  const upstream = cachingUpstream();
  scripted.answer((request) => upstream.reply(request));
  return { ...scripted, upstream, notes, lanes };
}

const SYSTEM = "s".repeat(8_000);
const QUESTION = "q".repeat(400);
const ANSWER = "a".repeat(40);

/** A conversation that grows by an answer and a question of the same length; the first has one message. */
const turns = (count: number): { role: "user" | "assistant"; content: string }[] =>
  Array.from({ length: 2 * count - 1 }, (_, at) =>
    at % 2 === 0 ? { role: "user", content: QUESTION } : { role: "assistant", content: ANSWER },
  );

const money = (response: Response) => [
  response.headers.get("x-signalbox-prompt-cache-read-tokens"),
  response.headers.get("x-signalbox-prompt-cache-saved"),
];

/** Read, and saved: 2,000 written; 2,000 read and 210 written; 2,210 read and 110 written. */
const GROWING = [
  ["0", "-0.0015"],
  ["2000", "0.0052425"],
  ["2210", "0.0058845"],
];
const PLACES = [
  ["system.0"],
  ["system.0", "messages.0.0", "messages.2.0"],
  ["system.0", "messages.2.0", "messages.4.0"],
];

describe("a conversation that grows", () => {
  it("through the Anthropic client: each request reads what the one before it wrote, in the native lane", async () => {
    const { url, upstream, notes, lanes } = await running();
    const client = new Anthropic({ baseURL: url, apiKey: CLIENT_KEY, maxRetries: 0 });
    const seen = [];
    for (const count of [1, 2, 3]) {
      const asked = { model: SONNET, max_tokens: 100, system: SYSTEM, messages: turns(count) };
      const { response, data } = await client.messages.create(asked).withResponse();
      seen.push(money(response));
      expect(data.usage.cache_read_input_tokens).toBe(Number(GROWING[count - 1]?.[0]));
    }
    expect(seen).toEqual(GROWING);
    expect(upstream.breakpoints).toEqual(PLACES);
    expect(lanes).toEqual(["native", "native", "native"]);
    expect(notes.slice(0, 2)).toEqual([
      "breakpoints behind messages[0]",
      "0 tokens read, 2000 written; -0.0015 US dollars saved",
    ]);
  });

  it("through the OpenAI client: the same, translated", async () => {
    const { url, upstream, lanes } = await running();
    const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: CLIENT_KEY, maxRetries: 0 });
    const seen = [];
    for (const count of [1, 2, 3]) {
      const messages = [{ role: "system" as const, content: SYSTEM }, ...turns(count)];
      const { response, data } = await client.chat.completions.create({ model: SONNET, messages }).withResponse();
      seen.push(money(response));
      expect(data.usage?.prompt_tokens_details?.cached_tokens ?? 0).toBe(Number(GROWING[count - 1]?.[0]));
    }
    expect(seen).toEqual(GROWING);
    expect(upstream.breakpoints).toEqual(PLACES);
    expect(lanes).toEqual(["translated", "translated", "translated"]);
  });

  it("streamed: the trace tells what was saved", async () => {
    const { url, notes, lanes } = await running({ ttl: "1h" });
    const client = new Anthropic({ baseURL: url, apiKey: CLIENT_KEY, maxRetries: 0 });
    for (const count of [1, 2]) {
      const asked = { model: SONNET, max_tokens: 100, system: SYSTEM, messages: turns(count) };
      const message = await client.messages.stream(asked).finalMessage();
      expect(message.content).toMatchObject([{ type: "text", text: ANSWER }]);
    }
    expect(notes).toEqual([
      "breakpoints behind messages[0]",
      // 2,000 × −3 µ$
      "0 tokens read, 2000 written; -0.006 US dollars saved",
      "breakpoints behind messages[0], messages[1], messages[3]",
      // 2,000 × 2.70 − 210 × 3 µ$
      "2000 tokens read, 210 written; 0.00477 US dollars saved",
    ]);
    expect(lanes).toEqual(["native", "native"]);
  });
});

describe("what a client has set itself", () => {
  const control = { type: "ephemeral" as const };
  const marked = (words: string) => ({ type: "text" as const, text: words, cache_control: control });

  it("stays, and is never made too many", async () => {
    const { url, upstream, notes, sent } = await running();
    const client = new Anthropic({ baseURL: url, apiKey: CLIENT_KEY, maxRetries: 0 });
    const messages = [
      { role: "user" as const, content: [marked("one"), marked("two")] },
      { role: "assistant" as const, content: [marked("three")] },
      { role: "user" as const, content: "four" },
    ];
    await client.messages.create({ model: SONNET, max_tokens: 100, system: SYSTEM, messages });
    expect(upstream.breakpoints).toEqual([["system.0", "messages.0.0", "messages.0.1", "messages.1.0"]]);
    expect(notes[0]).toBe("no breakpoint behind messages[3]: a request has at most 4");
    expect(JSON.parse(sent[0]?.body ?? "").messages).toEqual(messages);
  });

  it("of an hour stays behind ours, which become as long", async () => {
    const { url, sent } = await running();
    const client = new Anthropic({ baseURL: url, apiKey: CLIENT_KEY, maxRetries: 0 });
    const hour = {
      type: "text" as const,
      text: "one",
      cache_control: { type: "ephemeral" as const, ttl: "1h" as const },
    };
    await client.messages.create({
      model: SONNET,
      max_tokens: 100,
      system: SYSTEM,
      messages: [{ role: "user", content: [hour] }],
    });
    expect(JSON.parse(sent[0]?.body ?? "").system).toEqual([
      { type: "text", text: SYSTEM, cache_control: { type: "ephemeral", ttl: "1h" } },
    ]);
  });

  it("nothing of what it sent is lost: unknown members, numbers, signatures, pictures", async () => {
    const { post, sent, lanes } = await running();
    const rest =
      '"thinking":{"type":"enabled","budget_tokens":1024,"later":1.0},"tools":[{"name":"t","input_schema":{"type":"object","x":1e2}}],' +
      '"future":{"big":12345678901234567890},"messages":[{"role":"user","content":[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"aGk="},"alt":"x"}],"tag":1},' +
      '{"role":"assistant","content":[{"type":"thinking","thinking":"Hm","signature":"c2ln"},{"type":"tool_use","id":"t1","name":"t","input":{"n":2.50}}]},' +
      '{"role":"user","content":[{"type":"tool_result","tool_use_id":"t1","content":"r","is_error":false}]}]';
    const head = `{"max_tokens":2000, "model":`;
    const written = `${head}${JSON.stringify(SONNET)},"system":"${SYSTEM}",${rest}}`;
    expect((await post("/v1/messages", written)).status).toBe(200);
    expect(lanes).toEqual(["native"]);
    const body = sent[0]?.body ?? "";
    const ours = ',"cache_control":{"type":"ephemeral"}';
    // the picture, the result, the system prompt; before the system prompt there is too little
    expect(body.split(ours)).toHaveLength(4);
    expect(body.replaceAll(ours, "")).toBe(
      `${head}"claude-sonnet-4-5","system":[{"type":"text","text":"${SYSTEM}"}],${rest}}`,
    );
  });
});

describe("deployments", () => {
  const points: readonly unknown[] = [
    { location: "message", role: "system" },
    { location: "message", index: -1 },
  ];
  const deployment = (upstreamUrl: string, rest: Partial<Deployment>): Deployment => ({
    id: "own",
    model: "own",
    provider: "anthropic",
    upstreamModel: "claude-sonnet-4-5",
    baseUrl: `${upstreamUrl}/a`,
    apiKey: new Secret(UPSTREAM_KEY),
    ...rest,
  });

  it("have points of their own", async () => {
    const info = { cacheControlInjectionPoints: points };
    const { post, upstream } = await running({ points: [] }, { deployments: (at) => [deployment(at, { info })] });
    const body = { max_tokens: 10, system: SYSTEM, messages: turns(1) };
    await post("/v1/messages", { ...body, model: "own" });
    await post("/v1/messages", { ...body, model: SONNET });
    expect(upstream.breakpoints).toEqual([["system.0", "messages.0.0"], []]);
  });

  it("that take none get none, and the trace says so", async () => {
    const info = { cacheControlInjectionPoints: points };
    const openai = (at: string) =>
      deployment(at, { provider: "openai", upstreamModel: "gpt-5", baseUrl: `${at}/o/v1`, info });
    const { post, answer, notes, sent } = await running({}, { deployments: (at) => [openai(at)] });
    const usage = {
      prompt_tokens: 1_000,
      completion_tokens: 500,
      total_tokens: 1_500,
      prompt_tokens_details: { cached_tokens: 200 },
    };
    answer({ body: chatReply("openai", "Hi", { usage }) });
    const { headers } = await post("/v1/chat/completions", { model: "own", messages: turns(1) });
    expect(sent[0]?.body).not.toContain("cache");
    // it caches by itself: 200 × 1.125 µ$
    expect(headers.get("x-signalbox-prompt-cache-read-tokens")).toBe("200");
    expect(headers.get("x-signalbox-prompt-cache-saved")).toBe("0.000225");
    expect(notes[0]).toBe('"own" is not known to take breakpoints');
  });
});
