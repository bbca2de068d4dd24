import OpenAI, {
  APIUserAbortError,
  AuthenticationError,
  BadRequestError,
  InternalServerError,
  NotFoundError,
  RateLimitError,
} from "openai";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { RunningGateway } from "./running-gateway.ts";
import { CLIENT_KEY, PIXEL, runningGateway, UPSTREAMS } from "./running-gateway.ts";

let running: RunningGateway;
let client: OpenAI;

beforeAll(async () => {
  running = await runningGateway();
  client = new OpenAI({ baseURL: `${running.url}/v1`, apiKey: CLIENT_KEY, maxRetries: 0 });
});
afterAll(() => running.close());

const weather = {
  type: "function",
  function: {
    name: "weather",
    description: "Weather at a place",
    parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
  },
} as const;

describe.each(UPSTREAMS)("the official OpenAI client in front of an %s upstream", (upstream) => {
  const model = (name: string): string => `${upstream}/${name}`;

  it("gets an answer with usage", async () => {
    const reply = await client.chat.completions.create({
      model: model("echo"),
      max_tokens: 100,
      messages: [
        { role: "system", content: "Be brief." },
        { role: "user", content: "ping" },
      ],
    });
    expect(reply.object).toBe("chat.completion");
    expect(reply.choices).toHaveLength(1);
    expect(reply.choices[0]).toMatchObject({ message: { role: "assistant", content: "ping" }, finish_reason: "stop" });
    expect(reply.usage?.total_tokens).toBe((reply.usage?.prompt_tokens ?? 0) + (reply.usage?.completion_tokens ?? 0));
    expect(reply.usage?.completion_tokens).toBeGreaterThan(0);
  });

  it("streams, with usage only when asked for", async () => {
    const request = {
      model: model("echo+chunks-5"),
      stream: true,
      messages: [{ role: "user", content: "one two three four five six" }],
    } as const;
    for (const include of [false, true]) {
      const stream = await client.chat.completions.create({
        ...request,
        messages: [...request.messages],
        ...(include && { stream_options: { include_usage: true } }),
      });
      let text = "";
      let deltas = 0;
      let usage: unknown;
      let finish: string | null | undefined;
      for await (const chunk of stream) {
        const delta = chunk.choices[0]?.delta.content;
        if (delta) {
          text += delta;
          deltas += 1;
        }
        finish = chunk.choices[0]?.finish_reason ?? finish;
        if (chunk.usage) usage = chunk.usage;
      }
      expect(text).toBe("one two three four five six");
      expect(deltas).toBeGreaterThan(1);
      expect(finish).toBe("stop");
      if (include) expect(usage).toMatchObject({ completion_tokens: expect.any(Number) });
      else expect(usage).toBeUndefined();
    }
  });

  it("calls tools, in parallel, streamed and not, and sends results back", async () => {
    const content = 'call weather {"city":"Oslo"}\ncall weather {"city":"Rome"}';
    const plain = await client.chat.completions.create({
      model: model("echo"),
      tools: [weather],
      messages: [{ role: "user", content }],
    });
    const calls = plain.choices[0]?.message.tool_calls ?? [];
    expect(plain.choices[0]?.finish_reason).toBe("tool_calls");
    const wanted = calls.map((call) => (call.type === "function" ? [call.function.name, call.function.arguments] : []));
    expect(wanted.map(([name, text]) => [name, JSON.parse(text ?? "")])).toEqual([
      ["weather", { city: "Oslo" }],
      ["weather", { city: "Rome" }],
    ]);

    const runner = client.chat.completions.stream({
      model: model("echo"),
      tools: [weather],
      messages: [{ role: "user", content }],
    });
    const streamed = await runner.finalChatCompletion();
    expect(
      streamed.choices[0]?.message.tool_calls?.map(
        (call) => call.type === "function" && JSON.parse(call.function.arguments),
      ),
    ).toEqual([{ city: "Oslo" }, { city: "Rome" }]);

    const next = await client.chat.completions.create({
      model: model("echo"),
      tools: [weather],
      messages: [
        { role: "user", content },
        { role: "assistant", content: null, tool_calls: calls },
        ...calls.map((call, at) => ({ role: "tool" as const, tool_call_id: call.id, content: `${at} degrees` })),
      ],
    });
    expect(next.choices[0]?.message.content).toContain("degrees");
  });

  it("sends images", async () => {
    const reply = await client.chat.completions.create({
      model: model("echo"),
      messages: [
        {
          role: "user",
          content: [
            { type: "text", text: "what is this" },
            { type: "image_url", image_url: { url: PIXEL } },
          ],
        },
      ],
    });
    expect(reply.choices[0]?.message.content).toBe("what is this");
    const sent = running.upstream.requests.at(-1)?.body.toString();
    expect(sent).toContain("iVBORw0KGgo");
  });

  it("gets JSON that fits a schema", async () => {
    const reply = await client.chat.completions.create({
      model: model("echo"),
      messages: [{ role: "user", content: "a person" }],
      response_format: {
        type: "json_schema",
        json_schema: {
          name: "person",
          strict: true,
          schema: {
            type: "object",
            properties: { name: { type: "string" }, age: { type: "integer" } },
            required: ["name", "age"],
            additionalProperties: false,
          },
        },
      },
    });
    const person = JSON.parse(reply.choices[0]?.message.content ?? "");
    expect(person).toEqual({ name: expect.any(String), age: expect.any(Number) });
  });

  it.each([
    ["fault-400", BadRequestError, 400, "invalid_request"],
    ["fault-401", InternalServerError, 502, "provider_auth_failed"],
    ["fault-404", NotFoundError, 404, "model_not_found"],
    ["fault-429+retry-after-2s", RateLimitError, 429, "provider_rate_limited"],
    ["fault-500", InternalServerError, 502, "provider_error"],
    ["fault-503", InternalServerError, 503, "provider_overloaded"],
    ["fault-529", InternalServerError, 503, "provider_overloaded"],
    ["fault-html", InternalServerError, 502, "provider_error"],
    ["fault-empty", InternalServerError, 502, "provider_error"],
    ["fault-half-json", InternalServerError, 502, "provider_error"],
  ] as const)("raises the class that fits %s", async (name, errorClass, status, code) => {
    const error = await client.chat.completions
      .create({ model: model(name), messages: [{ role: "user", content: "x" }] })
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(errorClass);
    expect(error).toMatchObject({ status, code });
    const { headers } = error as { headers: Headers };
    expect(headers.get("x-signalbox-error-contract")).toBe("1");
    expect(headers.get("x-signalbox-call-id")).toMatch(/^[0-9a-f-]{36}$/);
    if (name.includes("retry-after")) expect(headers.get("retry-after")).toBe("2");
    expect(JSON.stringify(error)).not.toContain("sk-upstream");
  });

  it.each(["fault-midstream", "fault-reset", "fault-cut", "fault-malformed"])(
    "sees a stream break with %s",
    async (name) => {
      const stream = await client.chat.completions.create({
        model: model(`echo+${name}`),
        stream: true,
        messages: [{ role: "user", content: "a text that is long enough to be cut in the middle of it" }],
      });
      let text = "";
      const read = async (): Promise<void> => {
        for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? "";
      };
      await expect(read()).rejects.toThrow();
      expect(text.length).toBeGreaterThan(0);
    },
  );

  it("keeps the status of an error that comes as the first event", async () => {
    const error = await client.chat.completions
      .create({ model: model("echo+fault-error-event"), stream: true, messages: [{ role: "user", content: "x" }] })
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ status: expect.toSatisfy((status: number) => status >= 500) });
  });

  it.each([true, false])("cancels, streamed: %s", async (stream) => {
    const leaving = new AbortController();
    const before = running.gateway.activeCalls;
    const call = client.chat.completions.create(
      {
        model: model(stream ? "chunks-100-every-10ms" : "echo+slow-5s"),
        stream,
        messages: [{ role: "user", content: "x" }],
      },
      { signal: leaving.signal },
    );
    if (stream) {
      const chunks = (await call) as AsyncIterable<unknown>;
      for await (const _ of chunks) break;
    } else {
      await vi.waitFor(() => expect(running.gateway.activeCalls).toBe(before + 1));
      leaving.abort();
      await expect(call).rejects.toBeInstanceOf(APIUserAbortError);
    }
    await vi.waitFor(() => expect(running.gateway.activeCalls).toBe(before), { timeout: 1_000 });
  });
});

describe("the official OpenAI client", () => {
  it("embeds, in the base64 it asks for", async () => {
    const reply = await client.embeddings.create({ model: "openai/echo", input: ["one", "two"] });
    expect(reply.data.map(({ index }) => index)).toEqual([0, 1]);
    expect(reply.data[0]?.embedding.length).toBeGreaterThan(0);
    expect(reply.data[0]?.embedding.every((value) => Number.isFinite(value))).toBe(true);
    const floats = await client.embeddings.create({ model: "openai/echo", input: "one", encoding_format: "float" });
    const [first] = reply.data;
    for (const [at, value] of (floats.data[0]?.embedding ?? []).entries()) {
      expect(first?.embedding[at]).toBeCloseTo(value, 5);
    }
  });

  it.each(UPSTREAMS)("completes text the old way in front of an %s upstream", async (upstream) => {
    const reply = await client.completions.create({ model: `${upstream}/echo`, prompt: "ping" });
    expect(reply).toMatchObject({ object: "text_completion", choices: [{ text: "ping", finish_reason: "stop" }] });
    const stream = await client.completions.create({
      model: `${upstream}/echo+chunks-3`,
      prompt: "one two three",
      stream: true,
    });
    let text = "";
    for await (const chunk of stream) text += chunk.choices[0]?.text ?? "";
    expect(text).toBe("one two three");
  });

  it("lists models", async () => {
    const names: string[] = [];
    for await (const model of client.models.list()) names.push(model.id);
    expect(names).toEqual(expect.any(Array));
  });

  it("is refused without the right key, and learns nothing from it", async () => {
    const bodies = new Set<string>();
    for (const apiKey of ["sk-wrong", "", "' OR 1=1--", CLIENT_KEY.slice(0, -1)]) {
      const stranger = new OpenAI({ baseURL: `${running.url}/v1`, apiKey: apiKey || "x", maxRetries: 0 });
      const error = await stranger.chat.completions
        .create({ model: "openai/echo", messages: [{ role: "user", content: "x" }] })
        .catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(AuthenticationError);
      expect(error).toMatchObject({ status: 401, code: "invalid_api_key" });
      bodies.add((error as Error).message);
    }
    expect(bodies.size).toBe(1);
  });

  it("is told the nearest models", async () => {
    await expect(
      client.chat.completions.create({ model: "opnai/echo", messages: [{ role: "user", content: "x" }] }),
    ).rejects.toMatchObject({ status: 404, code: "model_not_found", message: expect.stringContaining('"openai/*"') });
  });

  it("never hands the gateway's key to a provider", async () => {
    await client.chat.completions.create({ model: "openai/echo", messages: [{ role: "user", content: "x" }] });
    await client.chat.completions.create({ model: "anthropic/echo", messages: [{ role: "user", content: "x" }] });
    expect(running.upstream.requests.length).toBeGreaterThan(1);
    for (const { headers, body } of running.upstream.requests) {
      expect(JSON.stringify(headers) + body.toString()).not.toContain(CLIENT_KEY);
    }
  });
});
