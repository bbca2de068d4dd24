import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import type { Plugin } from "@signalbox/kernel";
import { budgets } from "@signalbox/plugin-budgets";
import { fallbacks } from "@signalbox/plugin-fallbacks";
import { sqliteLedger } from "@signalbox/plugin-ledger-sqlite";
import { pricing } from "@signalbox/plugin-pricing";
import type { KeysGateway } from "./keys-gateway.ts";
import { keysGateway } from "./keys-gateway.ts";

let running: KeysGateway | undefined;
const folder = mkdtempSync(join(tmpdir(), "key-lists-"));
let files = 0;

afterEach(async () => {
  await running?.close();
  running = undefined;
});

afterAll(() => rmSync(folder, { recursive: true }));

const sqlite = (): Plugin => sqliteLedger({ file: join(folder, `${++files}.db`) });

describe.each<[string, () => readonly Plugin[]]>([
  ["memory", () => []],
  ["SQLite", () => [sqlite()]],
])("a list of keys, in %s", (_, plugins) => {
  it("is of those one has, and if asked for of those one made and of teams that one administers", async () => {
    running = await keysGateway(undefined, plugins());
    const { api, user } = running;
    const [ada, bob] = [await user("ada", { user_email: "ada@example.com" }), await user("bob")];
    await api("POST /team/new", { team_id: "red", members_with_roles: [{ user_id: "ada", role: "admin" }] });
    await api("POST /team/new", { team_id: "blue", members_with_roles: [{ user_id: "ada", role: "user" }] });
    const made = async (alias: string, body: object, key?: string): Promise<void> => {
      const { status, body: answer } = await api("POST /key/generate", { key_alias: alias, models: [], ...body }, key);
      if (status !== 200) throw new Error(JSON.stringify(answer));
    };
    await made("own", { user_id: "ada" });
    await made("of the team", { team_id: "red" });
    await made("of the other team", { team_id: "blue" });
    await made("bob's of the team", { team_id: "red", user_id: "bob" });
    await made("made for the team", { team_id: "red", user_id: null }, ada);
    const aliases = async (query: string, key?: string): Promise<readonly (string | null)[]> => {
      const { status, body } = await api(
        `GET /key/list?return_full_object=true&sort_by=key_alias&${query}`,
        undefined,
        key,
      );
      if (status !== 200) return [body.error.code];
      return body.keys.map((row: { readonly key_alias: string | null }) => row.key_alias).filter(Boolean);
    };
    expect(await aliases("sort_order=asc", ada)).toEqual(["own"]);
    expect(await aliases("sort_order=asc&include_created_by_keys=true", ada)).toEqual(["made for the team", "own"]);
    expect(await aliases("sort_order=asc&include_team_keys=true", ada)).toEqual([
      "bob's of the team",
      "made for the team",
      "of the team",
      "own",
    ]);
    expect(await aliases("sort_order=asc&include_team_keys=true&team_id=blue&user_id=ada")).toEqual([]);
    expect(await aliases("sort_order=asc&include_created_by_keys=true&user_id=ada")).toEqual([
      "made for the team",
      "own",
    ]);
    expect(await aliases("include_team_keys=true&user_id=ada", bob)).toEqual(["route_not_allowed"]);
    expect(await aliases("include_team_keys=true&include_created_by_keys=true", bob)).toEqual(["bob's of the team"]);
    const page = await api("GET /key/list?include_team_keys=true&size=2&page=2&user_id=ada&sort_by=key_alias");
    expect(page.body).toMatchObject({ current_page: 2, keys: [expect.any(String), expect.any(String)] });
    const { body } = await api("GET /key/list?expand=user&user_id=ada&key_alias=own");
    expect(body.keys).toMatchObject([
      { key_alias: "own", user: { user_id: "ada", user_email: "ada@example.com", user_alias: null } },
    ]);
  });

  it("is of deleted ones too, for those who see everything", async () => {
    running = await keysGateway(undefined, plugins());
    const { api, user } = running;
    const ada = await user("ada");
    const { body: key } = await api("POST /key/generate", { key_alias: "gone", models: ["small"] });
    await api("POST /key/delete", { keys: [key.token] });
    expect((await api("GET /key/list?status=deleted")).body).toEqual({
      keys: [key.token],
      total_count: 1,
      current_page: 1,
      total_pages: 1,
    });
    const { body } = await api(`GET /key/list?status=deleted&return_full_object=true&key_hash=${key.token}`);
    expect(body.keys).toMatchObject([
      { token: key.token, key_alias: "gone", models: ["small"], status: "deleted", deleted_by: "master" },
    ]);
    expect(Date.now() - Date.parse(body.keys[0].deleted_at)).toBeLessThan(60_000);
    expect(JSON.stringify(body)).not.toContain("hash");
    expect((await api("GET /key/list?status=deleted&user_id=ada")).body.error.param).toBe("user_id");
    expect((await api("GET /key/list?status=deleted", undefined, ada)).status).toBe(403);
    expect((await api("GET /key/list?status=blocked")).body.error.param).toBe("status");
  });
});

describe("fields of keys, customers and organizations", () => {
  it("say where calls go whose budget is spent", async () => {
    running = await keysGateway(undefined, [
      sqliteLedger({ file: ":memory:" }),
      pricing({ prices: { large: { input_cost_per_request: 0.4 }, small: { input_cost_per_request: 0 } } }),
      budgets({}),
      fallbacks({ retries: 0 }),
    ]);
    const { api, chat } = running;
    const chains = [{ large: ["small"] }];
    const limited = { models: ["large", "small"], model_max_budget: { large: { budget_limit: 0.5 } } };
    const { body: key } = await api("POST /key/generate", { ...limited, budget_fallbacks: chains });
    expect(key.budget_fallbacks).toEqual(chains);
    const { body: without } = await api("POST /key/generate", limited);
    expect([(await chat(key.key, "large")).status, (await chat(without.key, "large")).status]).toEqual([200, 200]);
    expect([(await chat(key.key, "large")).status, (await chat(without.key, "large")).status]).toEqual([200, 429]);
    const { body } = await api("POST /key/update", { key: key.token, budget_fallbacks: null });
    expect(body.budget_fallbacks).toBeNull();
    expect((await chat(key.key, "large")).status).toBe(429);
    const wrong = await api("POST /key/generate", { budget_fallbacks: { large: ["small"] } });
    expect([wrong.status, wrong.body.error.param]).toEqual([400, "budget_fallbacks"]);
  });

  it("say what a customer has spent before it was one", async () => {
    running = await keysGateway(undefined, [sqliteLedger({ file: ":memory:" })]);
    const { api } = running;
    await api("POST /customer/new", { user_id: "c-1", spend: 0.25, max_budget: 1 });
    await expect
      .poll(async () => (await api("GET /customer/info?end_user_id=c-1")).body.spend, { timeout: 5_000 })
      .toBe(0.25);
  });

  it("are refused where nothing reads them", async () => {
    running = await keysGateway();
    const { api } = running;
    const permission = { object_permission: { mcp_servers: ["tools"] } };
    const refused = await api("POST /organization/new", { organization_alias: "acme", ...permission });
    expect([refused.status, refused.body.error.code, refused.body.error.param]).toEqual([
      400,
      "unsupported_parameter",
      "object_permission",
    ]);
    const { body } = await api("POST /organization/new", { organization_alias: "acme", object_permission: null });
    expect(body).not.toHaveProperty("object_permission");
    const { organization_id } = body;
    expect((await api("PATCH /organization/update", { organization_id, ...permission })).status).toBe(400);
  });
});
