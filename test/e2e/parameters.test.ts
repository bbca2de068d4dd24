import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Secret } from "@signalbox/kernel";
import type { ScriptedGateway, Wire, WireReply } from "./scripted-gateway.ts";
import {
  CHAT_PATHS,
  chatBody,
  chatEvents,
  chatReply,
  scriptedGateway,
  sse,
  UPSTREAM_KEY,
  WIRES,
} from "./scripted-gateway.ts";

let gateway: ScriptedGateway;
/** The same with `dropParams` for the whole gateway. */
let dropping: ScriptedGateway;

beforeAll(async () => {
  const apiKey = new Secret(UPSTREAM_KEY);
  gateway = await scriptedGateway({
    deployments: (url) => [
      {
        id: "dropping",
        model: "tolerant",
        provider: "openai",
        upstreamModel: "gpt-5",
        baseUrl: `${url}/o/v1`,
        apiKey,
        dropParams: true,
      },
      {
        id: "shaped",
        model: "shaped",
        provider: "openai",
        upstreamModel: "gpt-5",
        baseUrl: `${url}/o/v1`,
        apiKey,
        additionalDropParams: ["user", "metadata"],
        allowedParams: ["temperature"],
      },
    ],
  });
  dropping = await scriptedGateway({ dropParams: true });
});
afterAll(async () => {
  await gateway.close();
  await dropping.close();
});

// biome-ignore lint/suspicious/noExplicitAny: JSON of many shapes, read by a test
const lastBody = (of = gateway): any => JSON.parse(of.sent.at(-1)?.body ?? "");

function send(client: Wire, model: string, more: object, of = gateway): Promise<WireReply> {
  const upstream = (model.startsWith("anthropic/") ? "anthropic" : "openai") as Wire;
  const stream = "stream" in more && more.stream === true;
  of.answer(stream ? { bodyText: sse(upstream, chatEvents(upstream, ["a"])) } : { body: chatReply(upstream) });
  return of.post(CHAT_PATHS[client], chatBody(client, model, more));
}

const dropped = (reply: WireReply): readonly string[] => {
  const header = reply.headers.get("x-signalbox-dropped-params");
  return header === null ? [] : header.split(", ");
};

interface Case {
  readonly client: Wire;
  readonly model: string;
  readonly parameters: object;
  /** As the error and the header name it. */
  readonly name: string;
  /** What must not be in the upstream's body. */
  readonly absent: readonly string[];
}

const row = (client: Wire, model: string, parameters: object, name: string, absent = [name]): Case => ({
  client,
  model,
  parameters,
  name,
  absent,
});

const audio = { modalities: ["text"], audio: { voice: "alloy", format: "mp3" } };

const CASES: readonly Case[] = [
  // the native lane
  row("openai", "openai/gpt-5", { temperature: 0.5 }, "temperature"),
  row("openai", "openai/gpt-5", { top_p: 0.5 }, "top_p"),
  row("openai", "openai/gpt-5-mini", { frequency_penalty: 1 }, "frequency_penalty"),
  row("openai", "openai/gpt-5", { presence_penalty: -1 }, "presence_penalty"),
  row("openai", "openai/gpt-5", { logit_bias: { 50256: -100 } }, "logit_bias"),
  row("openai", "openai/gpt-5", { logprobs: true }, "logprobs"),
  row("openai", "openai/o3", { temperature: 0 }, "temperature"),
  row("openai", "openai/gpt-4o", { reasoning_effort: "low" }, "reasoning_effort"),
  row("openai", "openai/gpt-4o", { top_k: 5 }, "top_k"),
  row("anthropic", "anthropic/claude-opus-5", { temperature: 0.5 }, "temperature"),
  row("anthropic", "anthropic/claude-opus-5", { top_p: 0.5 }, "top_p"),
  row("anthropic", "anthropic/claude-opus-5", { top_k: 5 }, "top_k"),
  // translated
  row("anthropic", "openai/gpt-5", { temperature: 0.5 }, "temperature"),
  row("anthropic", "openai/gpt-4o", { top_k: 5 }, "top_k"),
  row("openai", "anthropic/claude-opus-5", { temperature: 0.5 }, "temperature"),
  row("openai", "anthropic/claude-opus-5", { top_p: 0.5 }, "top_p"),
  row("openai", "anthropic/claude-sonnet-4-5", { n: 2 }, "n"),
  row("openai", "anthropic/claude-sonnet-4-5", { logit_bias: { 1: 1 } }, "logit_bias"),
  row("openai", "anthropic/claude-sonnet-4-5", { logprobs: true }, "logprobs"),
  row("openai", "anthropic/claude-sonnet-4-5", { seed: 7 }, "seed"),
  row("openai", "anthropic/claude-sonnet-4-5", { frequency_penalty: 0.1 }, "frequency_penalty"),
  row("openai", "anthropic/claude-sonnet-4-5", { presence_penalty: 0.1 }, "presence_penalty"),
  row("openai", "anthropic/claude-sonnet-4-5", { verbosity: "low" }, "verbosity"),
  row("openai", "anthropic/claude-sonnet-4-5", { prediction: { type: "content", content: "x" } }, "prediction"),
  row("openai", "anthropic/claude-sonnet-4-5", { store: true }, "store"),
  row("openai", "anthropic/claude-sonnet-4-5", { service_tier: "flex" }, "service_tier"),
  row("openai", "anthropic/claude-sonnet-4-5", audio, "audio"),
];

const MODEL = (model: string): string => model.slice(model.indexOf("/") + 1);

describe("a parameter that a model does not take", () => {
  it.each(CASES)("$client client, $model: $name is refused", async ({ client, model, parameters, name }) => {
    const before = gateway.sent.length;
    const reply = await send(client, model, parameters);
    expect(reply.status, reply.text).toBe(400);
    const { error } = JSON.parse(reply.text);
    expect(error.message).toContain(JSON.stringify(name));
    expect(error.message).toContain(JSON.stringify(MODEL(model)));
    expect(error.type).toBe("invalid_request_error");
    if (client === "openai") expect(error).toMatchObject({ code: "unsupported_parameter", param: name });
    else expect(error.details).toMatchObject({ error_code: "unsupported_parameter", param: name });
    expect(dropped(reply)).toEqual([]);
    expect(gateway.sent.length).toBe(before);
  });

  it.each(CASES)("$client client, $model: $name is dropped on request", async (each) => {
    const reply = await send(each.client, each.model, { ...each.parameters, drop_params: true });
    expect(reply.status, reply.text).toBe(200);
    expect(dropped(reply)).toEqual([each.name]);
    const sent = lastBody();
    for (const name of [...each.absent, "drop_params"]) expect(sent).not.toHaveProperty(name);
    expect(sent.model).toBe(MODEL(each.model));
  });

  it.each(CASES)("$client client, $model: $name is dropped by the gateway's setting", async (each) => {
    const reply = await send(each.client, each.model, each.parameters, dropping);
    expect(reply.status, reply.text).toBe(200);
    expect(dropped(reply)).toEqual([each.name]);
    for (const name of each.absent) expect(lastBody(dropping)).not.toHaveProperty(name);
  });

  it.each(CASES)("$client client, $model: $name is explained", async ({ client, model, parameters, name, absent }) => {
    const path = `/v1/explain?path=${CHAT_PATHS[client]}`;
    const refused = await gateway.post(path, chatBody(client, model, parameters));
    expect(JSON.parse(refused.text).attempts[0]).toMatchObject({ error: { code: "unsupported_parameter" } });
    const reply = await gateway.post(path, chatBody(client, model, { ...parameters, drop_params: true }));
    const [attempt] = JSON.parse(reply.text).attempts;
    expect(attempt).toMatchObject({ droppedParams: [name] });
    for (const each of absent) expect(attempt.request.body).not.toHaveProperty(each);
  });
});

describe("who decides about dropping", () => {
  it("the deployment", async () => {
    const reply = await send("openai", "tolerant", { temperature: 0.5, logprobs: true });
    expect(reply.status, reply.text).toBe(200);
    expect([...dropped(reply)].sort()).toEqual(["logprobs", "temperature"]);
    expect(Object.keys(lastBody()).sort()).toEqual(["messages", "model"]);
  });

  it("the request, over the deployment and the gateway", async () => {
    expect((await send("openai", "tolerant", { temperature: 0.5, drop_params: false })).status).toBe(400);
    expect((await send("openai", "openai/gpt-5", { temperature: 0.5, drop_params: false }, dropping)).status).toBe(400);
  });

  it.each(WIRES)("no text: drop_params must be a boolean (%s)", async (client) => {
    const reply = await send(client, "openai/gpt-5", { drop_params: "true" });
    expect(reply.status).toBe(400);
    expect(reply.text).toContain("drop_params");
  });

  it("names that are always dropped, and names that are let through", async () => {
    const reply = await send("openai", "shaped", { temperature: 0.5, user: "u", metadata: { a: "b" }, store: true });
    expect(reply.status, reply.text).toBe(200);
    expect([...dropped(reply)].sort()).toEqual(["metadata", "user"]);
    expect(lastBody()).toEqual({ model: "gpt-5", messages: expect.anything(), temperature: 0.5, store: true });
    const other = await send("openai", "openai/gpt-5", {
      seed: 1,
      temperature: 0.5,
      additional_drop_params: ["seed"],
      allowed_openai_params: ["temperature"],
    });
    expect(other.status, other.text).toBe(200);
    expect(dropped(other)).toEqual(["seed"]);
    expect(lastBody()).toEqual({ model: "gpt-5", messages: expect.anything(), temperature: 0.5 });
  });

  it.each(WIRES)("says so in the head of a stream (%s)", async (client) => {
    const reply = await send(client, "openai/gpt-5", { temperature: 0.5, stream: true, drop_params: true });
    expect(reply.status, reply.text).toBe(200);
    expect(dropped(reply)).toEqual(["temperature"]);
    expect(lastBody()).not.toHaveProperty("temperature");
  });
});

describe("wishes that Anthropic does not take together", () => {
  const tools = [{ type: "function", function: { name: "f" } }];

  it.each([
    [{ reasoning_effort: "high", temperature: 0.2 }, ["temperature"]],
    [{ temperature: 0.2, top_p: 0.5 }, ["top_p"]],
    [{ reasoning_effort: "high", tools, tool_choice: "required" }, ["reasoning_effort"]],
    [{ reasoning_effort: "high", max_tokens: 500 }, ["reasoning_effort"]],
  ])("%j: one is left out, and the client is told", async (parameters, names) => {
    const reply = await send("openai", "anthropic/claude-sonnet-4-5", parameters);
    expect(reply.status, reply.text).toBe(200);
    expect(dropped(reply)).toEqual(names);
  });
});

describe("what a failed attempt would have dropped", () => {
  it("is not reported for the one that answered", async () => {
    gateway.answer(({ path }) =>
      path.startsWith("/o/") ? { status: 503, body: {} } : { body: chatReply("anthropic") },
    );
    const body = chatBody("openai", "openai/gpt-5", {
      temperature: 0.5,
      seed: 1,
      drop_params: true,
      fallbacks: ["anthropic/claude-sonnet-4-5"],
    });
    const reply = await gateway.post("/v1/chat/completions", body);
    expect(reply.status, reply.text).toBe(200);
    expect(reply.headers.get("x-signalbox-attempts")).toBe("2");
    expect(lastBody()).toMatchObject({ temperature: 0.5 });
    expect(dropped(reply)).toEqual(["seed"]);
  });
});

describe("a parameter that has another name or value there", () => {
  it("becomes max_completion_tokens for models that reason", async () => {
    await send("openai", "openai/gpt-5", { max_tokens: 77 });
    expect(lastBody()).toMatchObject({ max_completion_tokens: 77 });
    expect(lastBody()).not.toHaveProperty("max_tokens");
    await send("anthropic", "openai/gpt-5", { max_tokens: 77 });
    expect(lastBody()).toMatchObject({ max_completion_tokens: 77 });
    expect(lastBody()).not.toHaveProperty("max_tokens");
    await send("openai", "openai/gpt-4o", { max_tokens: 77 });
    expect(lastBody()).toMatchObject({ max_tokens: 77 });
    await send("openai", "anthropic/claude-sonnet-4-5", { max_completion_tokens: 77 });
    expect(lastBody()).toMatchObject({ max_tokens: 77 });
  });

  it("may be given twice: the newer name wins", async () => {
    await send("openai", "openai/gpt-5", { max_tokens: 77, max_completion_tokens: 66 });
    expect(lastBody().max_completion_tokens).toBe(66);
    expect(lastBody()).not.toHaveProperty("max_tokens");
    expect(gateway.sent.at(-1)?.body.split('"max_completion_tokens"')).toHaveLength(2);
  });

  it.each([
    { temperature: 1 },
    { top_p: 1 },
    { n: 1 },
    { logprobs: false, top_logprobs: 0 },
    { frequency_penalty: 0, presence_penalty: 0 },
    { logit_bias: {} },
  ])("is no obstacle when it asks for what happens anyway: %j", async (parameters) => {
    for (const model of ["openai/gpt-5", "anthropic/claude-opus-5"]) {
      const reply = await send("openai", model, parameters);
      expect(reply.status, reply.text).toBe(200);
      expect(dropped(reply)).toEqual([]);
    }
  });
});

describe("a field that only another vendor knows", () => {
  it("is left out and reported", async () => {
    const toAnthropic = await send("openai", "anthropic/claude-sonnet-4-5", {
      web_search_options: {},
      future_option: 1,
      metadata: { a: "b" },
    });
    expect(toAnthropic.status, toAnthropic.text).toBe(200);
    expect([...dropped(toAnthropic)].sort()).toEqual(["future_option", "metadata", "web_search_options"]);
    const toOpenai = await send("anthropic", "openai/gpt-4o", { container: "c", mcp_servers: [], future_option: 1 });
    expect(toOpenai.status, toOpenai.text).toBe(200);
    expect([...dropped(toOpenai)].sort()).toEqual(["container", "future_option", "mcp_servers"]);
    expect(Object.keys(lastBody()).sort()).toEqual(["max_tokens", "messages", "model"]);
  });
});
