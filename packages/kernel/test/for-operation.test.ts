import { afterEach, describe, expect, it } from "vitest";
import type { Gateway, Layer, Plugin, Provider } from "@signalbox/kernel";
import {
  ALLOW,
  createGateway,
  guardrailFor,
  isCall,
  layerFor,
  replyOf,
  textOf,
  transformReply,
  withRequest,
} from "@signalbox/kernel";
import { scripted, textEvents, textResult } from "./support/scripted-provider.ts";

// No cast stands in this file: that it passes the type check is part of the test.

const open: Gateway[] = [];

afterEach(async () => {
  for (const gateway of open.splice(0)) await gateway.close();
});

/** Says the last message, streamed in single characters; embeds every input as its length. */
function shop(): Provider {
  const { name, operations } = scripted("shop", async function* ({ request }) {
    const text = textOf(request.messages.at(-1)?.content ?? []);
    if (request.stream === true) yield* textEvents([...text]);
    return textResult(text);
  });
  return {
    name,
    operations: {
      ...operations,
      embed: ({ request, upstreamModel }) =>
        replyOf(() => ({
          model: upstreamModel,
          embeddings: request.inputs.map((input) => [String(input).length]),
          usage: { inputTokens: 1, outputTokens: 0 },
        })),
    },
  };
}

async function gatewayOf(plugin: Omit<Plugin, "name" | "providers">): Promise<Gateway> {
  const gateway = await createGateway({ plugins: [{ name: "p", providers: [shop()], ...plugin }] });
  open.push(gateway);
  return gateway;
}

const ask = { model: "shop/m", messages: [{ role: "user" as const, content: "hello" }] };
const embed = { model: "shop/m", input: "four" };

async function said(gateway: Gateway): Promise<string> {
  const plain = textOf((await gateway.chat(ask)).choices[0]?.content ?? []);
  let streamed = "";
  for await (const event of gateway.chat.stream(ask)) {
    if (event.type === "partDelta" && event.delta.type === "text") streamed += event.delta.text;
  }
  expect(streamed).toBe(plain);
  return plain;
}

describe("isCall", () => {
  it("tells a layer for all operations which request it has", async () => {
    const seen: string[] = [];
    const noting: Layer = (call, next) => {
      if (isCall(call, "embed")) seen.push(`embed ${call.request.inputs.length}`);
      if (!isCall(call, "chat")) return next(call);
      seen.push(`chat ${call.request.messages.length}`);
      const messages = [
        ...call.request.messages,
        { role: "user" as const, content: [{ type: "text" as const, text: "bye" }] },
      ];
      return next(withRequest(call, { ...call.request, messages }));
    };
    const gateway = await gatewayOf({ layers: { edge: noting } });
    expect(await said(gateway)).toBe("bye");
    await gateway.embed(embed);
    expect(seen).toEqual(["chat 1", "chat 1", "embed 1"]);
  });

  it("tells observers of attempts, too", async () => {
    const seen: number[] = [];
    const gateway = await gatewayOf({
      on: {
        attemptStarted: (attempt) => {
          if (isCall(attempt, "chat")) seen.push(attempt.request.messages.length + attempt.ordinal);
        },
      },
    });
    await gateway.embed(embed);
    await gateway.chat(ask);
    expect(seen).toEqual([2]);
  });
});

describe("layerFor", () => {
  it("gives one operation's calls, events and results to a layer, and passes the others by", async () => {
    const seen: string[] = [];
    const loud = layerFor("chat", function loud(call, next) {
      seen.push(call.request.messages[0]?.role ?? "");
      return transformReply(next(call), {
        *event(event) {
          if (event.type === "partDelta" && event.delta.type === "text") {
            yield { ...event, delta: { ...event.delta, text: event.delta.text.toUpperCase() } };
          } else yield event;
        },
        result: (result) => ({
          ...result,
          choices: result.choices.map((choice) => ({
            ...choice,
            content: [{ type: "text" as const, text: textOf(choice.content).toUpperCase() }],
          })),
        }),
      });
    });
    const gateway = await gatewayOf({ layers: { edge: loud } });
    expect(await said(gateway)).toBe("HELLO");
    expect((await gateway.embed(embed)).embeddings).toEqual([[4]]);
    expect(seen).toEqual(["user", "user"]);
    const { layers } = await gateway.explain({ operation: "embed", request: { model: "shop/m", inputs: ["a"] } });
    expect(layers).toEqual([{ stage: "edge", plugin: "p", name: "loud" }]);
  });
});

describe("guardrailFor", () => {
  it("checks requests and results of one operation, and allows the others", async () => {
    const short = guardrailFor("chat", {
      name: "short",
      checkRequest: ({ request }) =>
        request.messages.length > 1 ? { action: "block", reason: "one message at a time" } : ALLOW,
      checkResult: (_call, result) => ({
        action: "rewrite",
        reason: "brevity",
        value: { ...result, choices: result.choices.map((choice) => ({ ...choice, content: [] })) },
      }),
    });
    const gateway = await gatewayOf({ guardrails: [short] });
    expect(await said(gateway)).toBe("");
    expect((await gateway.embed(embed)).embeddings).toEqual([[4]]);
    const twice = { ...ask, messages: [...ask.messages, ...ask.messages] };
    await expect(gateway.chat(twice)).rejects.toMatchObject({ code: "guardrail_blocked" });
  });

  it("hands on how to treat streams and failures", () => {
    const broken = guardrailFor("chat", {
      name: "broken",
      streaming: "observe",
      failOpen: true,
      checkResult: () => ALLOW,
    });
    expect(broken).toMatchObject({ name: "broken", streaming: "observe", failOpen: true });
    expect(Object.keys(broken)).toEqual(["name", "streaming", "failOpen", "checkResult"]);
  });

  it("looks through windows of one operation alone", async () => {
    const windows: string[] = [];
    const watching = guardrailFor("embed", {
      name: "watching",
      checkWindow(call, { text }) {
        windows.push(call.id);
        return { action: "release", consume: text.length, text: "" };
      },
    });
    const gateway = await gatewayOf({ guardrails: [watching] });
    expect(await said(gateway)).toBe("hello");
    expect(windows).toEqual([]);
  });

  it("calls the checks as methods of their object", async () => {
    const checks = {
      name: "counting",
      count: 0,
      checkRequest() {
        this.count += 1;
        return ALLOW;
      },
    };
    const gateway = await gatewayOf({ guardrails: [guardrailFor("chat", checks)] });
    await gateway.chat(ask);
    expect(checks.count).toBe(1);
  });
});
