import { afterAll, beforeAll, expect, it } from "vitest";
import { guardrailRoutes, guardrails } from "@signalbox/plugin-guardrails";
import type { KeysGateway } from "../keys/keys-gateway.ts";
import { keysGateway } from "../keys/keys-gateway.ts";

let running: KeysGateway;

beforeAll(async () => {
  running = await keysGateway(undefined, [
    await guardrails([
      { type: "secrets", name: "secrets" },
      { type: "personal", name: "pii", action: "mask", runs: { defaultOn: false } },
      { type: "personal", name: "replies", action: "mask", mode: "after" },
      { type: "schema", name: "schema" },
    ]),
    guardrailRoutes(),
  ]);
});
afterAll(() => running.close());

const apply = (guardrail_name: string, text: string, more: object = {}) =>
  running.api("POST /apply_guardrail", { guardrail_name, text, ...more });

it("runs a guardrail by hand", async () => {
  expect((await apply("pii", "I am ada@example.com")).body).toEqual({ response_text: "I am [EMAIL]" });
  expect((await apply("replies", "You are ada@example.com")).body).toEqual({ response_text: "You are [EMAIL]" });
  expect((await apply("pii", "nothing here")).body).toEqual({ response_text: "nothing here" });
  const { status, body } = await apply("secrets", "AKIAIOSFODNN7EXAMPLE");
  expect([status, body.error.code, body.error.message]).toEqual([
    400,
    "guardrail_blocked",
    'blocked by guardrail "secrets": it contains awsKey',
  ]);
});

it("says what is wrong with a request", async () => {
  const missing = await apply("secret", "a text");
  expect([missing.status, missing.body.error.message]).toEqual([
    404,
    'there is no guardrail "secret". Did you mean "secrets"?',
  ]);
  expect((await apply("schema", "a text")).body.error.param).toBe("guardrail_name");
  expect((await apply("pii", "")).body.error.param).toBe("text");
  expect((await apply("pii", "a text", { entities: ["EMAIL"] })).body.error.code).toBe("unsupported_parameter");
  expect((await apply("pii", "a text", { txt: 1 })).body.error.code).toBe("unknown_field");
});

it.each(["/guardrails/list", "/v2/guardrails/list"])("lists them at %s, for administrators", async (path) => {
  const { body } = await running.api(`GET ${path}`);
  expect(body.guardrails.slice(0, 3)).toEqual([
    {
      guardrail_name: "secrets",
      litellm_params: { mode: ["pre_call", "post_call"], default_on: true },
      guardrail_info: {},
    },
    {
      guardrail_name: "pii",
      litellm_params: { mode: ["pre_call", "post_call"], default_on: false },
      guardrail_info: { runs: { defaultOn: false } },
    },
    { guardrail_name: "replies", litellm_params: { mode: ["post_call"], default_on: true }, guardrail_info: {} },
  ]);
  const { body: key } = await running.api("POST /key/generate", { models: ["small"] });
  expect((await running.api(`GET ${path}`, undefined, key.key)).status).toBe(403);
  expect((await running.api("POST /apply_guardrail", { guardrail_name: "pii", text: "x" }, key.key)).status).toBe(403);
});
