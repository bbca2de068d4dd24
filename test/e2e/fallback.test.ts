import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Listener } from "@signalbox/express/node";
import { listen } from "@signalbox/express/node";
import type { Gateway } from "@signalbox/kernel";
import { createGateway, Secret } from "@signalbox/kernel";
import type { Exchange, ReplayServer, SentRequest } from "@signalbox/kernel/testkit";
import { refusedUrl, replayServer } from "@signalbox/kernel/testkit";
import { loadConfig, masterKey, providerCatalog } from "@signalbox/plugin-config";
import { anthropic, anthropicDialects } from "@signalbox/provider-anthropic";
import { openai, openaiDialects } from "@signalbox/provider-openai";
import type { ScriptedGateway, Wire } from "./scripted-gateway.ts";
import { CLIENT_KEY, chatBody, chatEvents, chatReply, scriptedGateway, sse, UPSTREAM_KEY } from "./scripted-gateway.ts";

interface Running {
  readonly url: string;
  readonly upstream: ReplayServer;
  close(): Promise<void>;
}

const answers: Record<Wire, (stream: boolean) => Exchange> = { openai: () => ({}), anthropic: () => ({}) };

function startUpstream(): Promise<ReplayServer> {
  return replayServer((request) => {
    const wire: Wire = request.path.startsWith("/o/") ? "openai" : "anthropic";
    return answers[wire](JSON.parse(request.body).stream === true);
  });
}

const bodies = (of: Running, prefix: string): readonly SentRequest[] =>
  of.upstream.sent.filter(({ path }) => path.startsWith(prefix));

// biome-ignore lint/suspicious/noExplicitAny: JSON of many shapes, read by a test
const lastTo = (of: Running, prefix: string): any => JSON.parse(bodies(of, prefix).at(-1)?.body ?? "null");

async function serve(upstream: ReplayServer, gateway: Gateway): Promise<Running> {
  const listener: Listener = await listen(gateway, { port: 0, host: "127.0.0.1" });
  return {
    url: listener.url,
    upstream,
    async close() {
      await listener.close();
      await gateway.close();
      await upstream.close();
    },
  };
}

const dialects = (): { name: string; dialects: ReturnType<typeof openaiDialects> } => ({
  name: "dialects",
  dialects: [...openaiDialects(), ...anthropicDialects()],
});

async function fromCode(): Promise<Running> {
  const upstream = await startUpstream();
  const apiKey = new Secret(UPSTREAM_KEY);
  const gateway = await createGateway({
    plugins: [
      dialects(),
      { name: "vendors", providers: [openai({}), anthropic({})], authenticator: masterKey(CLIENT_KEY) },
    ],
    deployments: [
      {
        id: "a",
        model: "claude",
        provider: "anthropic",
        upstreamModel: "claude-sonnet-4-5",
        baseUrl: `${upstream.url}/a`,
        apiKey,
      },
      { id: "o", model: "gpt", provider: "openai", upstreamModel: "gpt-5", baseUrl: `${upstream.url}/o/v1`, apiKey },
    ],
    fallbacks: { claude: ["gpt"], gpt: ["claude"] },
  });
  return serve(upstream, gateway);
}

async function fromYaml(): Promise<Running> {
  const upstream = await startUpstream();
  const config = loadConfig({
    text: `
model_list:
  - model_name: claude
    litellm_params:
      model: anthropic/claude-sonnet-4-5
      api_base: ${upstream.url}/a
      api_key: os.environ/VENDOR_KEY
      fallbacks: [gpt]
  - model_name: gpt
    litellm_params:
      model: openai/gpt-5
      api_base: ${upstream.url}/o/v1
      api_key: os.environ/VENDOR_KEY
router_settings:
  fallbacks:
    - gpt: [claude]
general_settings:
  master_key: os.environ/GATEWAY_KEY
`,
    env: { VENDOR_KEY: UPSTREAM_KEY, GATEWAY_KEY: CLIENT_KEY },
    providers: providerCatalog([openai({}), anthropic({})]),
  });
  const { deployments, fallbacks, timeoutMs, plugins, providers } = config;
  const gateway = await createGateway({
    plugins: [dialects(), { name: "vendors", providers }, ...plugins],
    deployments,
    fallbacks,
    timeoutMs,
  });
  return serve(upstream, gateway);
}

const THINKING = { type: "thinking" as const, thinking: "Look it up.", signature: "QU5USFJPUElDLVNJRw==" };
const TOOL_USE = { type: "tool_use" as const, id: "toolu_1", name: "weather", input: { city: "Oslo" } };
const TOOL = {
  name: "weather",
  description: "Weather",
  input_schema: { type: "object" as const, properties: { city: { type: "string" } }, required: ["city"] },
};
const GPT_CALL = { id: "call_7", type: "function", function: { name: "weather", arguments: '{"city":"Rome"}' } };

const down =
  (status: number): (() => Exchange) =>
  () => ({ status, body: { error: { message: "down" } } });

function thinkingFirst(): Exchange {
  return { body: { ...chatReply("anthropic"), content: [THINKING, TOOL_USE], stop_reason: "tool_use" } };
}

function gptAnswers(stream: boolean): Exchange {
  if (!stream) {
    const message = {
      role: "assistant",
      content: "Oslo is cold.",
      reasoning_content: "GPT THOUGHT",
      tool_calls: [GPT_CALL],
    };
    return { body: { ...chatReply("openai"), choices: [{ index: 0, message, finish_reason: "tool_calls" }] } };
  }
  const events = chatEvents("openai", ["Oslo is ", "cold."]) as { choices: object[] }[];
  const delta = (value: object, finish: string | null = null): object => ({
    ...events[0],
    choices: [{ index: 0, delta: value, finish_reason: finish }],
  });
  return {
    bodyText: sse("openai", [
      delta({ role: "assistant", reasoning_content: "GPT THOUGHT" }) as Record<string, unknown>,
      ...(events.slice(1, 3) as unknown as Record<string, unknown>[]),
      delta({ tool_calls: [{ index: 0, ...GPT_CALL }] }) as Record<string, unknown>,
      delta({}, "tool_calls") as Record<string, unknown>,
      { ...events[0], choices: [], usage: { prompt_tokens: 5, completion_tokens: 4, total_tokens: 9 } },
      "[DONE]",
    ]),
  };
}

describe.each([
  ["createGateway", fromCode],
  ["a YAML file", fromYaml],
] as const)("fallbacks from %s", (_name, start) => {
  let running: Running;
  beforeAll(async () => {
    running = await start();
  });
  afterAll(() => running.close());
  beforeEach(() => {
    answers.openai = gptAnswers;
    answers.anthropic = thinkingFirst;
  });

  it.each([
    ["plain", 503],
    ["streamed", 529],
    ["plain", 401],
    ["streamed", 500],
    ["plain", 429],
  ] as const)("carry a conversation of Anthropic's client over, %s, and back (status %d)", async (mode, status) => {
    const client = new Anthropic({ baseURL: running.url, apiKey: CLIENT_KEY, maxRetries: 0 });
    const ask = (messages: Anthropic.MessageParam[]): Promise<Anthropic.Message> => {
      const body = { model: "claude", max_tokens: 3000, tools: [TOOL], messages };
      const thinking = { type: "enabled" as const, budget_tokens: 2000 };
      return mode === "plain"
        ? client.messages.create({ ...body, thinking })
        : client.messages.stream({ ...body, thinking }).finalMessage();
    };
    const question: Anthropic.MessageParam = { role: "user", content: "How cold is Oslo?" };

    // the first turn is Anthropic's
    const first = await client.messages.create({
      model: "claude",
      max_tokens: 3000,
      tools: [TOOL],
      messages: [question],
    });
    expect(first.content).toEqual([THINKING, TOOL_USE]);

    // the second is answered by OpenAI
    answers.anthropic = down(status);
    const result: Anthropic.MessageParam = {
      role: "user",
      content: [{ type: "tool_result", tool_use_id: "toolu_1", content: "-7" }],
    };
    const turns: Anthropic.MessageParam[] = [question, { role: "assistant", content: first.content }, result];
    const second = await ask(turns);
    expect(second.stop_reason).toBe("tool_use");
    expect(second.content.filter(({ type }) => type !== "thinking")).toMatchObject([
      { type: "text", text: "Oslo is cold." },
      { type: "tool_use", id: "call_7", name: "weather", input: { city: "Rome" } },
    ]);
    const sent = bodies(running, "/o/").at(-1)?.body ?? "";
    for (const secret of [THINKING.signature, THINKING.thinking, "thinking", "claude"])
      expect(sent).not.toContain(secret);
    const { messages, model, tools } = JSON.parse(sent);
    expect(model).toBe("gpt-5");
    expect(tools[0].function.name).toBe("weather");
    expect(messages).toEqual([
      { role: "user", content: "How cold is Oslo?" },
      {
        role: "assistant",
        content: null,
        tool_calls: [{ id: "toolu_1", type: "function", function: { name: "weather", arguments: '{"city":"Oslo"}' } }],
      },
      { role: "tool", tool_call_id: "toolu_1", content: "-7" },
    ]);

    // Anthropic is back, and gets its own words whole and none of the other's thoughts
    answers.anthropic = () => ({ body: chatReply("anthropic", "done") });
    const last = await client.messages.create({
      model: "claude",
      max_tokens: 3000,
      tools: [TOOL],
      messages: [
        ...turns,
        { role: "assistant", content: second.content },
        { role: "user", content: [{ type: "tool_result", tool_use_id: "call_7", content: "20" }] },
      ],
    });
    expect(last.content).toMatchObject([{ type: "text", text: "done" }]);
    const back = lastTo(running, "/a/");
    expect(back.messages[1]).toEqual({ role: "assistant", content: [THINKING, TOOL_USE] });
    expect(back.messages[3]).toEqual({
      role: "assistant",
      content: [
        { type: "text", text: "Oslo is cold." },
        { type: "tool_use", id: "call_7", name: "weather", input: { city: "Rome" } },
      ],
    });
    expect(JSON.stringify(back)).not.toContain("GPT THOUGHT");
    expect(JSON.stringify(back)).not.toContain("signalbox.");
  });

  it.each([false, true])("answer OpenAI's client from Anthropic; streamed: %s", async (stream) => {
    answers.openai = down(503);
    answers.anthropic = (streamed) =>
      streamed
        ? { bodyText: sse("anthropic", chatEvents("anthropic", ["from ", "claude"])) }
        : { body: chatReply("anthropic", "from claude") };
    const client = new OpenAI({ baseURL: `${running.url}/v1`, apiKey: CLIENT_KEY, maxRetries: 0 });
    const body = { model: "gpt", messages: [{ role: "user" as const, content: "hi" }] };
    let text = "";
    if (stream) {
      for await (const chunk of await client.chat.completions.create({ ...body, stream: true })) {
        text += chunk.choices[0]?.delta.content ?? "";
      }
    } else text = (await client.chat.completions.create(body)).choices[0]?.message.content ?? "";
    expect(text).toBe("from claude");
    expect(lastTo(running, "/a/")).toMatchObject({ model: "claude-sonnet-4-5", max_tokens: expect.any(Number) });
  });
});

describe("when fallbacks are taken", () => {
  let gateway: ScriptedGateway;
  const model = "openai/gpt-4o";

  beforeAll(async () => {
    const refused = await refusedUrl();
    gateway = await scriptedGateway({
      fallbacks: { [model]: ["anthropic/claude-sonnet-4-5", "openai/gpt-4o-mini", model], gone: [model] },
      deployments: () => [
        {
          id: "gone",
          model: "gone",
          provider: "openai",
          upstreamModel: "x",
          baseUrl: `${refused}/v1`,
          apiKey: new Secret(UPSTREAM_KEY),
        },
      ],
    });
  });
  afterAll(() => gateway.close());

  /** The upstream models that were asked, in order. */
  async function tried(status: number, body: object, more: object = {}, name = model): Promise<readonly string[]> {
    const before = gateway.sent.length;
    gateway.answer({ status, body });
    await gateway.post("/v1/chat/completions", chatBody("openai", name, more));
    return gateway.sent.slice(before).map((request) => JSON.parse(request.body).model);
  }

  const all = ["gpt-4o", "claude-sonnet-4-5", "gpt-4o-mini"];
  const error = { error: { message: "m", type: "t", code: null } };

  it.each([401, 403, 404, 408, 429, 500, 502, 503, 504, 529])("status %d: every model once", async (status) => {
    expect(await tried(status, error)).toEqual(all);
  });

  it.each([400, 413, 422])("status %d: the request itself is at fault", async (status) => {
    expect(await tried(status, error)).toEqual(["gpt-4o"]);
  });

  it("not when the request says so, and others when it names them", async () => {
    expect(await tried(503, error, { disable_fallbacks: true })).toEqual(["gpt-4o"]);
    expect(await tried(503, error, { fallbacks: [] })).toEqual(["gpt-4o"]);
    expect(await tried(503, error, { fallbacks: ["openai/o3", { model: "openai/o4-mini" }] })).toEqual([
      "gpt-4o",
      "o3",
      "o4-mini",
    ]);
    expect(await tried(503, error, {}, "openai/other")).toEqual(["other"]);
  });

  it("says which fallback of a request does not exist", async () => {
    const body = chatBody("openai", model, { fallbacks: ["nowhere", "openai/o3"] });
    const explained = JSON.parse((await gateway.post("/v1/explain", body)).text);
    expect(explained.attempts.map((attempt: { model: string }) => attempt.model)).toEqual(["gpt-4o", "o3"]);
    expect(explained.skipped).toMatchObject([{ deployment: "nowhere" }]);
  });

  it("from an address where nobody listens", async () => {
    gateway.answer({ body: chatReply("openai", "from the second") });
    const reply = await gateway.post("/v1/chat/completions", chatBody("openai", "gone"));
    expect(reply.status, reply.text).toBe(200);
    expect(reply.headers.get("x-signalbox-attempts")).toBe("2");
    expect(JSON.parse(reply.text).choices[0].message.content).toBe("from the second");
  });

  it("within the time of the whole call", async () => {
    gateway.answer({ body: {}, headersDelayMs: 10_000 });
    const began = performance.now();
    const reply = await gateway.post("/v1/chat/completions", chatBody("openai", model, { timeout: 0.5 }));
    expect(reply.status).toBe(504);
    expect(performance.now() - began).toBeLessThan(2_500);
    expect(JSON.parse(reply.text).error.code).toBe("timeout");
  });
});
