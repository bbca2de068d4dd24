import OpenAI, { AuthenticationError, PermissionDeniedError } from "openai";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { KeysGateway } from "./keys-gateway.ts";
import { keysGateway, MASTER } from "./keys-gateway.ts";

let running: KeysGateway;

beforeAll(async () => {
  running = await keysGateway();
});
afterAll(() => running.close());

const INVALID = {
  error: {
    message: 'the API key is missing or not valid; send it as "Authorization: Bearer <key>"',
    type: "invalid_request_error",
    param: null,
    code: "invalid_api_key",
  },
};

async function generate(body: Readonly<Record<string, unknown>>, key?: string) {
  const answer = await running.api("POST /key/generate", body, key);
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  return answer.body as { readonly key: string; readonly token: string } & Readonly<Record<string, unknown>>;
}

describe("a new key", () => {
  it("is shown once, and works with the body that a team sends", async () => {
    const made = await generate({
      metadata: { team: "team-a" },
      max_budget: 50,
      budget_duration: "30d",
      models: ["gpt-4o", "claude-sonnet"],
    });
    expect(made.key).toMatch(/^sk-[A-Za-z0-9_-]{43}$/);
    expect(made.key_name).toBe(`sk-...${made.key.slice(-4)}`);
    expect(made.token).toBe(made.token_id);
    expect(made).toMatchObject({ max_budget: 50, budget_duration: "30d", expires: null, blocked: false });
    expect((await running.chat(made.key, "gpt-4o")).status).toBe(200);
    expect((await running.chat(made.key, "large")).body.error).toMatchObject({
      code: "model_not_allowed",
      param: "model",
    });

    const info = await running.api(`GET /key/info?key=${made.token}`);
    expect(info.body.info).toMatchObject({ models: ["gpt-4o", "claude-sonnet"], metadata: { team: "team-a" } });
    const shown = JSON.stringify([
      info.body,
      (await running.api("GET /key/list?return_full_object=true")).body,
      (await running.api("GET /audit")).body,
    ]);
    expect(shown).not.toContain(made.key);
    expect(shown).not.toMatch(/"hash"/);
  });

  it("grants nothing when nothing was granted", async () => {
    const { key } = await generate({});
    expect((await running.chat(key)).body.error.code).toBe("model_not_allowed");
  });

  it("serves the official OpenAI client, which raises its own errors", async () => {
    const { key } = await generate({ models: ["small"] });
    const client = new OpenAI({ baseURL: `${running.url}/v1`, apiKey: key, maxRetries: 0 });
    const ask = (model: string, with_ = client) =>
      with_.chat.completions.create({ model, messages: [{ role: "user", content: "ping" }] });
    expect((await ask("small")).choices[0]?.message.content).toBe("ping");
    expect((await client.models.list()).data.map(({ id }) => id)).toEqual(["small"]);
    const denied = await ask("large").catch((thrown: unknown) => thrown);
    expect(denied).toBeInstanceOf(PermissionDeniedError);
    expect(denied).toMatchObject({ status: 403, code: "model_not_allowed", param: "model" });
    const unknown = await ask("small", client.withOptions({ apiKey: `${key}x` })).catch((thrown: unknown) => thrown);
    expect(unknown).toBeInstanceOf(AuthenticationError);
    expect(unknown).toMatchObject({ status: 401, code: "invalid_api_key" });
  });

  it("ends after its duration, and answers like one that never was", async () => {
    const { key } = await generate({ models: ["small"], duration: "1s" });
    expect((await running.chat(key)).status).toBe(200);
    await new Promise((resolve) => setTimeout(resolve, 1_050));
    const expired = await running.chat(key);
    const never = await running.chat("sk-never-was-a-key-of-anybody");
    expect([expired.status, expired.body]).toEqual([401, INVALID]);
    expect([never.status, never.body]).toEqual([401, INVALID]);
  });

  it.each([
    [{ modles: [] }, 400, "unknown_field", "modles", 'there is no field "modles". Did you mean "models"?'],
    [{ max_budget: -1 }, 400, "invalid_request", "max_budget", undefined],
    [{ max_budget: "5" }, 400, "invalid_request", "max_budget", undefined],
    [{ budget_duration: "soon" }, 400, "invalid_request", "budget_duration", undefined],
    [{ spend: -1 }, 400, "invalid_request", "spend", undefined],
    [{ auto_rotate: true }, 400, "unsupported_parameter", "auto_rotate", undefined],
    [{ policies: ["strict"] }, 400, "unsupported_parameter", "policies", undefined],
    [{ object_permission: { mcp_servers: ["a"] } }, 400, "unsupported_parameter", "object_permission", undefined],
    [{ tpm_limit_type: "dynamic" }, 400, "invalid_request", "tpm_limit_type", undefined],
    [{ hash: "00" }, 400, "unknown_field", "hash", undefined],
    [{ ancestor_ids: [] }, 400, "unknown_field", "ancestor_ids", undefined],
    [{ key: "sk-short" }, 400, "invalid_request", "key", undefined],
    [{ budget_id: "none" }, 404, "not_found", "budget_id", undefined],
    [{ user_id: "nobody" }, 404, "not_found", null, undefined],
    [{ router_settings: { nonsense: 1 } }, 400, "unknown_field", "router_settings.nonsense", undefined],
  ])("is refused for %j", async (body, status, code, param, message) => {
    const answer = await running.api("POST /key/generate", body);
    expect(answer.status).toBe(status);
    expect(answer.body.error).toMatchObject({ code, param, ...(message !== undefined && { message }) });
  });

  it("has an alias that nobody else has", async () => {
    await generate({ key_alias: "only-one" });
    const second = await running.api("POST /key/generate", { key_alias: "only-one" });
    expect([second.status, second.body.error.code]).toEqual([409, "conflict"]);
  });
});

describe("a key that is there", () => {
  it("is changed field by field: null clears, absent leaves", async () => {
    const { key, token } = await generate({ models: ["small"], max_budget: 5, rpm_limit: 3, metadata: { a: 1 } });
    const changed = await running.api("POST /key/update", { key, max_budget: null, metadata: null });
    expect(changed.body).toMatchObject({ key: token, max_budget: null, rpm_limit: 3, metadata: {}, models: ["small"] });
    await running.api("POST /key/update", { key: token, models: ["large"] });
    expect((await running.chat(key, "large")).status).toBe(200);
    expect((await running.chat(key, "small")).status).toBe(403);
  });

  it("is blocked and unblocked at once", async () => {
    const { key } = await generate({ models: ["small"] });
    expect((await running.chat(key)).status).toBe(200);
    await running.api("POST /key/block", { key });
    expect(await running.chat(key)).toMatchObject({ status: 401, body: INVALID });
    await running.api("POST /key/unblock", { key });
    expect((await running.chat(key)).status).toBe(200);
  });

  it("is regenerated, with and without a time of grace", async () => {
    const { key, token } = await generate({ models: ["small"], key_alias: "rotating" });
    const graced = await running.api(`POST /key/${token}/regenerate`, { grace_period: "1h" });
    expect(graced.body).toMatchObject({ token, key_alias: "rotating" });
    expect((await running.chat(key)).status).toBe(200);
    expect((await running.chat(graced.body.key)).status).toBe(200);
    await running.api("POST /key/block", { key: token });
    expect((await running.chat(key)).status).toBe(401);
    await running.api("POST /key/unblock", { key: token });
    const last = await running.api("POST /key/regenerate", { key: token });
    expect((await running.chat(key)).status).toBe(401);
    expect((await running.chat(graced.body.key)).status).toBe(401);
    expect((await running.chat(last.body.key)).status).toBe(200);
  });

  it("is deleted with all others of a list, or none is", async () => {
    const one = await generate({ models: ["small"] });
    const two = await generate({ models: ["small"] });
    expect((await running.api("POST /key/delete", { keys: [one.token, "tok_none"] })).status).toBe(404);
    expect((await running.chat(one.key)).status).toBe(200);
    const deleted = await running.api("POST /key/delete", { keys: [one.key, two.token] });
    expect(deleted.body).toEqual({ deleted_keys: [one.token, two.token] });
    expect((await running.chat(one.key)).status).toBe(401);
    expect((await running.chat(two.key)).status).toBe(401);
  });

  it("is changed among many, each by itself", async () => {
    const { token } = await generate({ models: ["small"] });
    const { body } = await running.api("POST /key/bulk_update", {
      keys: [
        { key: token, max_budget: 3 },
        { key: "tok_none", max_budget: 3 },
      ],
    });
    expect(body.total_requested).toBe(2);
    expect(body.successful_updates).toMatchObject([{ key: token, key_info: { max_budget: 3 } }]);
    expect(body.failed_updates).toEqual([{ key: "tok_none", failed_reason: "there is no such key" }]);
  });

  it("is listed in pages", async () => {
    await running.user("pages");
    for (let at = 0; at < 3; at++) await generate({ user_id: "pages", key_alias: `page-${at}` });
    const second = await running.api("GET /key/list?user_id=pages&page=2&size=2&sort_by=created_at&sort_order=asc");
    expect(second.body).toMatchObject({ total_count: 4, current_page: 2, total_pages: 2 });
    expect(second.body.keys).toHaveLength(2);
    expect((await running.api("GET /key/aliases?size=100")).body.aliases).toEqual(
      expect.arrayContaining(["page-0", "page-1", "page-2"]),
    );
    expect((await running.api("GET /key/list?sizes=2")).body.error).toMatchObject({
      code: "unknown_field",
      param: "sizes",
    });
    expect((await running.api("GET /key/list?size=101")).status).toBe(400);
  });

  it("reaches the routes that it was made for", async () => {
    const calls = await generate({ models: ["small"], key_type: "llm_api" });
    expect((await running.chat(calls.key)).status).toBe(200);
    const denied = await running.api("GET /key/info", undefined, calls.key);
    expect([denied.status, denied.body.error.code]).toEqual([403, "route_not_allowed"]);
    const reads = await generate({ models: ["small"], key_type: "read_only" });
    expect((await running.chat(reads.key)).body.error.code).toBe("route_not_allowed");
    expect((await running.api("GET /key/info", undefined, reads.key)).status).toBe(200);
  });
});

describe("every change", () => {
  it("is logged with who, what, before and after, and no secret", async () => {
    const { key, token } = await generate({ models: ["small"], max_budget: 1 });
    await running.api("POST /key/update", { key, max_budget: 2 });
    await running.api("POST /key/delete", { keys: [key] });
    const { body } = await running.api(`GET /audit?object_id=${token}`);
    expect(body.total).toBe(3);
    expect(body.audit_logs.map(({ action }: { readonly action: string }) => action).toSorted()).toEqual([
      "created",
      "deleted",
      "updated",
    ]);
    const update = body.audit_logs.find(({ action }: { readonly action: string }) => action === "updated");
    expect(update).toMatchObject({
      changed_by: "master",
      table_name: "keys",
      before_value: { max_budget: 1 },
      updated_values: { max_budget: 2 },
    });
    expect(JSON.stringify(body)).not.toContain(key);
    expect((await running.api(`GET /audit/${update.id}`)).body).toEqual(update);
  });
});

describe("the OpenAPI document", () => {
  it("has every route, with what it takes", async () => {
    const { body } = await running.api("GET /openapi.json");
    expect(body.openapi).toBe("3.1.0");
    expect(Object.keys(body.paths)).toEqual(
      expect.arrayContaining(["/key/generate", "/key/{key}/regenerate", "/team/new"]),
    );
    const { schema } = body.paths["/key/generate"].post.requestBody.content["application/json"];
    expect(schema).toMatchObject({ type: "object", additionalProperties: false });
    expect(schema.properties.max_budget).toEqual({
      anyOf: [{ type: "number", minimum: 0, maximum: 1_000_000_000 }, { type: "null" }],
    });
    expect(body.paths["/key/list"].get.parameters[0]).toMatchObject({ name: "page", in: "query", required: false });
    const routes = running.gateway.routes.map(({ method, path }) => `${method} ${path}`);
    const shown = Object.entries(body.paths as Record<string, Record<string, unknown>>).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ":$1")}`),
    );
    expect([...shown, "GET /openapi.json"].toSorted()).toEqual(routes.toSorted());
  });
});

describe("the master key", () => {
  it("may use every model", async () => {
    expect((await running.chat(MASTER, "large")).status).toBe(200);
  });
});
