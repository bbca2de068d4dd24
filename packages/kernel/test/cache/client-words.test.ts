import { describe, expect, it } from "vitest";
import type { Call, ChatRequest } from "@signalbox/kernel";
import { cacheKey } from "@signalbox/kernel";
import { JsonBody } from "@signalbox/kernel/http";
import { testCall } from "@signalbox/kernel/testkit";

const REQUEST: ChatRequest = { model: "m", messages: [{ role: "user", content: [{ type: "text", text: "Hi" }] }] };

function keyOf(text: string, { headers = [], edits = {} }: { headers?: string[]; edits?: object } = {}): string {
  const native = {
    dialect: "d",
    request: REQUEST,
    body: JsonBody.parse(Buffer.from(text)),
    edits: edits as Record<string, string | undefined>,
    headers,
  };
  return cacheKey({ ...testCall({ operation: "chat", request: REQUEST }), native } as unknown as Call);
}

describe("what a client wrote, where a provider is sent it as it is", () => {
  it.each([
    ["white space and order", '{"b": 1, "a": [1, 2]}', '{"a":[1,2],"b":1}'],
    ["the form of numbers", '{"a":1.0,"b":1e2}', '{"a":1,"b":100}'],
    ["escapes", '{"a":"\\u0041"}', '{"a":"A"}'],
    ["members without a value", '{"a":1,"b":null}', '{"a":1}'],
    ["how it is streamed", '{"a":1,"stream":true,"stream_options":{"include_usage":true}}', '{"a":1}'],
    ["metadata", '{"a":1,"metadata":{"run":"1"}}', '{"a":1}'],
    ["the name of the model", '{"a":1,"model":"alias"}', '{"a":1,"model":"m"}'],
  ])("does not matter: %s", (_name, one, other) => {
    expect(keyOf(one)).toBe(keyOf(other));
  });

  it.each([
    ["a member deep inside", '{"tools":[{"function":{"x":1}}]}', '{"tools":[{"function":{"x":2}}]}'],
    ["null within", '{"a":[null]}', '{"a":[]}'],
    ["integers that are read as one", '{"seed":9007199254740993}', '{"seed":9007199254740992}'],
    ["numbers that are read as infinite", '{"a":1e400}', '{"a":2e400}'],
    ["the same in a list", '{"a":[9007199254740993]}', '{"a":[9007199254740992]}'],
  ])("matters: %s", (_name, one, other) => {
    expect(keyOf(one)).not.toBe(keyOf(other));
  });

  it("matters with its headers and what is edited in it, but not who is asking", () => {
    expect(keyOf("{}", { headers: ["anthropic-beta", "a"] })).not.toBe(keyOf("{}"));
    expect(keyOf("{}", { headers: ["x-title", "a"] })).toBe(keyOf("{}", { headers: ["x-title", "b"] }));
    expect(keyOf('{"a":1,"cache":{}}', { edits: { cache: undefined } })).toBe(keyOf('{"a":1}'));
    expect(keyOf('{"a":1}', { edits: { b: "2" } })).not.toBe(keyOf('{"a":1}', { edits: { b: "3" } }));
  });
});
