import { afterEach, expect, it } from "vitest";
import { fallbacks } from "@signalbox/plugin-fallbacks";
import type { ScriptedGateway, Wire } from "./scripted-gateway.ts";
import { CHAT_PATHS, chatBody, chatEvents, scriptedGateway, sse } from "./scripted-gateway.ts";

let gateway: ScriptedGateway;
afterEach(() => gateway.close());

const MODELS: Readonly<Record<Wire, string>> = { openai: "openai/gpt-4o", anthropic: "anthropic/claude-sonnet-4-5" };

/** A stream with members that nobody knows but the vendor and its client. */
function novel(wire: Wire): string {
  return sse(
    wire,
    chatEvents(wire, ["one ", "two"]).map((event) => (typeof event === "string" ? event : { ...event, brand_new: 1 })),
  );
}

async function bytesOf(wire: Wire, more: object, continueStreams: boolean): Promise<string> {
  gateway = await scriptedGateway({ plugins: [fallbacks({ continueStreams })] });
  const upstream = novel(wire);
  gateway.answer({ bodyText: upstream });
  const { text, status } = await gateway.post(
    CHAT_PATHS[wire],
    chatBody(wire, MODELS[wire], { stream: true, ...more }),
  );
  expect(status, text).toBe(200);
  return text;
}

const SCHEMA = { type: "object", properties: {} };

it.each([
  ["openai", { n: 2 }],
  ["openai", { logprobs: true }],
  ["openai", { response_format: { type: "json_object" } }],
  ["anthropic", { output_config: { format: { type: "json_schema", schema: SCHEMA } } }],
] as const)("a stream of %s that is never continued (%j) keeps its bytes", async (wire, more) => {
  expect(
    await bytesOf(wire, { ...more, ...(wire === "openai" && { stream_options: { include_usage: true } }) }, true),
  ).toBe(novel(wire));
});

it.each(["openai", "anthropic"] as const)(
  "one of %s that may be continued is written anew, with the same words",
  async (wire) => {
    const text = await bytesOf(wire, {}, true);
    expect(text).not.toBe(novel(wire));
    expect(text).toContain('"one "');
    expect(text).toContain('"two"');
  },
);

it.each(["openai", "anthropic"] as const)("without the option all bytes of %s are kept", async (wire) => {
  const more = wire === "openai" ? { stream_options: { include_usage: true } } : {};
  expect(await bytesOf(wire, more, false)).toBe(novel(wire));
});
