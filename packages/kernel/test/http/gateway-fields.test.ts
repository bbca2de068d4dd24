import type { IncomingHttpHeaders } from "node:http";
import { describe, expect, it } from "vitest";
import type { CallOptions } from "@signalbox/kernel";
import { parseJsonBody, takeGatewayFields } from "@signalbox/kernel/http";

const ASKED = { model: "m", messages: [] };

function optionsOf(body: object, headers: IncomingHttpHeaders = {}): CallOptions | undefined {
  return takeGatewayFields({ ...ASKED, ...body }, headers).options;
}

describe("a request that says nothing to the gateway", () => {
  it("stays the object it is", () => {
    const body = { ...ASKED, metadata: { tags: "a text of the vendor's", k: "v" }, temperature: 1 };
    const headers = { host: "h", "x-stainless-timeout": "60", "x-signal": "1", "x-request-id": "r" };
    const taken = takeGatewayFields(body, headers);
    expect(taken.body).toBe(body);
    expect(taken).toEqual({ body, options: undefined, edits: {} });
  });

  it("may carry a key, which the surface reads", () => {
    expect(optionsOf({}, { "x-signalbox-api-key": "k", "x-litellm-api-key": "k" })).toBeUndefined();
  });
});

describe("members of the body", () => {
  it.each<[object, CallOptions | undefined]>([
    [{ drop_params: true }, { dropParams: true }],
    [{ drop_params: null }, undefined],
    [{ additional_drop_params: ["seed"] }, { additionalDropParams: ["seed"] }],
    [{ allowed_openai_params: ["top_k"] }, { allowedParams: ["top_k"] }],
    [{ timeout: 2.5 }, { timeoutMs: 2500 }],
    [{ timeout: 0.0001 }, { timeoutMs: 1 }],
    [{ fallbacks: ["a", { model: "b", api_base: "https://x" }] }, { fallbacks: ["a", "b"] }],
    [{ disable_fallbacks: true }, { disableFallbacks: true }],
    [{ metadata: { tags: ["a"] }, tags: ["b"] }, { tags: ["b", "a"] }],
    [{ tags: [] }, undefined],
    [{ user: "ann" }, { endUserId: "ann" }],
    [{ user: "" }, undefined],
    [
      { litellm_trace_id: "t", litellm_session_id: "s" },
      { traceId: "t", sessionId: "s" },
    ],
    [{ cache: { ttl: 60 }, num_retries: 2 }, { extensions: { cache: { ttl: 60 }, num_retries: 2 } }],
    [
      { guardrails: ["g"], priority: 1, "no-log": true },
      { extensions: { guardrails: ["g"], priority: 1, "no-log": true } },
    ],
    [{ litellm_x: 1, signalbox_y: false, cache: null }, { extensions: { litellm_x: 1, signalbox_y: false } }],
    [{ api_key: null, mock_response: null }, undefined],
  ])("%j", (body, options) => {
    const taken = takeGatewayFields({ ...ASKED, ...body }, {});
    expect(taken.options).toEqual(options);
    expect(taken.body).toEqual(ASKED);
    expect(Object.keys(taken.edits).sort()).toEqual(Object.keys(body).sort());
  });

  it.each<[object, string, string]>([
    [{ drop_params: "true" }, "drop_params", "drop_params must be true or false"],
    [{ additional_drop_params: "seed" }, "additional_drop_params", "additional_drop_params must be an array"],
    [{ allowed_openai_params: [1] }, "allowed_openai_params[0]", "allowed_openai_params[0] must be a string"],
    [{ timeout: 0 }, "timeout", "timeout must be a number of seconds above 0"],
    [{ timeout: "5" }, "timeout", "timeout must be a number"],
    [{ fallbacks: [{}] }, "fallbacks[0]", "fallbacks[0] must be the name of a model"],
    [{ tags: "a" }, "tags", "tags must be an array"],
    [{ metadata: { tags: ["a", 1] } }, "metadata.tags[1]", "metadata.tags[1] must be a string"],
    [{ user: 1 }, "user", "user must be a string"],
    [{ extra_body: "x" }, "extra_body", "extra_body must be an object"],
    [{ extra_body: { tags: [] } }, "extra_body.tags", "extra_body.tags must be outside of extra_body"],
    [{ extra_body: { litellm_x: 1 } }, "extra_body.litellm_x", "extra_body.litellm_x must be outside of extra_body"],
  ])("refuses %j", (body, param, message) => {
    expect(() => optionsOf(body)).toThrow(expect.objectContaining({ code: "invalid_request", param, message }));
  });

  it.each([
    "api_base",
    "api_key",
    "base_url",
    "custom_llm_provider",
    "extra_headers",
    "mock_response",
    "mock_timeout",
    "mock_testing_fallbacks",
    "mock_whatever_comes",
  ])("leaves %s to the operator", (name) => {
    for (const [body, param] of [
      [{ [name]: "x" }, name],
      [{ extra_body: { [name]: "x" } }, `extra_body.${name}`],
    ] as const) {
      const message = `${param} is for the operator of this gateway to set, not for requests`;
      expect(() => optionsOf(body)).toThrow(
        expect.objectContaining({ code: "invalid_request", status: 400, param, message }),
      );
    }
  });

  it("do to the bytes what they do to the body, and extra_body wins", () => {
    const bytes =
      '{"timeout":3, "model":"m","seed":1,"metadata":{"tags":["a"],"k":1.50},"extra_body":{"seed":2,"x":{"y":[]}},"z":1e2}';
    const body = parseJsonBody(Buffer.from(bytes));
    const taken = takeGatewayFields(body.value as object as Record<string, unknown>, {});
    expect(body.edit(taken.edits).toString()).toBe('{"model":"m","seed":2,"metadata":{"k":1.5},"z":1e2,"x":{"y":[]}}');
    expect(taken.body).toEqual({ model: "m", seed: 2, metadata: { k: 1.5 }, z: 100, x: { y: [] } });
    expect(taken.options).toEqual({ timeoutMs: 3000, tags: ["a"] });
  });

  it("are looked for in the metadata that extra_body brings", () => {
    const taken = takeGatewayFields({ ...ASKED, extra_body: { metadata: { tags: ["a"] } } }, {});
    expect(taken).toEqual({
      body: ASKED,
      options: { tags: ["a"] },
      edits: { extra_body: undefined, metadata: undefined },
    });
  });

  it("stay when they are the dialect's own; its user is the end customer too", () => {
    const body = { ...ASKED, user: "ann", fallbacks: [{ model: "b" }] };
    const taken = takeGatewayFields(body, {}, (name) => name === "user" || name === "fallbacks");
    expect(taken.body).toBe(body);
    expect(taken).toEqual({ body, options: { endUserId: "ann" }, edits: {} });
    const more = takeGatewayFields({ ...body, extra_body: { user: "bob" } }, {}, (name) => name !== "extra_body");
    expect(more.body).toEqual({ ...body, user: "bob" });
    expect(more.options).toEqual({ endUserId: "bob" });
  });
});

describe.each(["x-signalbox-", "x-litellm-"])("headers %s…", (prefix) => {
  it.each<[string, string, CallOptions]>([
    ["timeout", "2.5", { timeoutMs: 2500 }],
    ["tags", "a, b,,c ", { tags: ["a", "b", "c"] }],
    ["trace-id", "t", { traceId: "t" }],
    ["session-id", "s", { sessionId: "s" }],
    ["end-user-id", "ann", { endUserId: "ann" }],
    ["customer-id", "ann", { endUserId: "ann" }],
    ["num-retries", "2", { extensions: { num_retries: 2 } }],
    ["stream-timeout", "0.5", { streamTimeoutMs: 500 }],
    ["priority", "1", { extensions: { priority: 1 } }],
    ["agent-id", "007", { extensions: { agent_id: "007" } }],
    ["anything-else", "x", { extensions: { anything_else: "x" } }],
  ])("%s: %s", (name, value, options) => {
    expect(optionsOf({}, { [prefix + name]: value })).toEqual(options);
  });

  it.each([
    ["timeout", "soon", "a number"],
    ["timeout", "", "a number"],
    ["timeout", "-1", "a number of seconds above 0"],
    ["timeout", "5, 6", "a number"],
    ["num-retries", "x", "a number"],
  ])("refuses %s: %s", (name, value, must) => {
    const param = prefix + name;
    expect(() => optionsOf({}, { [param]: value })).toThrow(
      expect.objectContaining({ code: "invalid_request", param, message: `${param} must be ${must}` }),
    );
  });

  it("join those of the body", () => {
    const headers = { [`${prefix}tags`]: "c", [`${prefix}timeout`]: "9", [`${prefix}end-user-id`]: "bob" };
    const body = { tags: ["a"], metadata: { tags: ["b"] }, timeout: 5, user: "ann" };
    expect(optionsOf(body, headers)).toEqual({ tags: ["a", "b", "c"], timeoutMs: 5000, endUserId: "bob" });
    expect(optionsOf({ timeout: 5 }, { [`${prefix}timeout`]: "3" })).toEqual({ timeoutMs: 3000 });
  });
});
