import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Plugin, Principal } from "@signalbox/kernel";
import type { KeysGateway } from "./keys-gateway.ts";
import { keysGateway } from "./keys-gateway.ts";

let running: KeysGateway;
let key: string;
const seen: Principal[] = [];

/** What layers further in are told of the caller. */
const watcher: Plugin = {
  name: "watcher",
  layers: {
    admit: (call, next) => {
      seen.push(call.principal);
      return next(call);
    },
  },
};

beforeAll(async () => {
  running = await keysGateway(undefined, [watcher]);
  const made = await running.api("POST /key/generate", { models: ["small"], max_budget: 9, tags: ["blue"] });
  key = made.body.key;
});
afterAll(() => running.close());

describe("customers and tags", () => {
  it("add their budgets and limits to the calls that name them, and to no others", async () => {
    await running.api("POST /budget/new", { budget_id: "free", max_budget: 1, budget_duration: "1mo" });
    await running.api("POST /customer/new", { user_id: "c-1", budget_id: "free", rpm_limit: 4 });
    await running.api("POST /tag/new", { name: "blue", max_budget: 2 });
    await running.chat(key, "small", { user: "c-1" });
    const { budgets, limits, id } = seen.at(-1) as Principal;
    expect(budgets).toEqual([
      { scope: { kind: "key", id }, limit: 9_000_000_000n },
      { scope: { kind: "customer", id: "c-1" }, limit: 1_000_000_000n, duration: "1mo" },
      { scope: { kind: "tag", id: "blue" }, limit: 2_000_000_000n },
    ]);
    expect(limits).toEqual([{ scope: { kind: "customer", id: "c-1" }, requestsPerMinute: 4 }]);
    await running.api("POST /tag/delete", { name: "blue" });
    await running.chat(key, "small", { user: "c-2" });
    expect(seen.at(-1)?.budgets).toEqual([{ scope: { kind: "key", id }, limit: 9_000_000_000n }]);
    expect(seen.at(-1)?.limits).toBeUndefined();
  });

  it("are changed and shown by administrators", async () => {
    await running.api("POST /tag/new", { name: "red", max_budget: 2, description: "reds" });
    const changed = await running.api("POST /tag/update", { name: "red", max_budget: null });
    expect(changed.body).toMatchObject({ name: "red", max_budget: null, description: "reds" });
    expect((await running.api("POST /tag/info", { names: ["red"] })).body).toMatchObject({ red: { name: "red" } });
    expect((await running.api("GET /tag/list")).body).toMatchObject([{ name: "red" }]);
    for (const route of ["GET /tag/list", "GET /customer/list"]) {
      expect((await running.api(route, undefined, key)).body.error.code).toBe("route_not_allowed");
    }
    const updated = await running.api("POST /customer/update", { user_id: "c-1", rpm_limit: null, alias: "first" });
    expect(updated.body).toMatchObject({ user_id: "c-1", rpm_limit: null, alias: "first", budget_id: "free" });
    expect((await running.api("POST /customer/delete", { user_ids: ["c-1", "none"] })).status).toBe(404);
    expect((await running.api("GET /customer/list")).body).toMatchObject([{ user_id: "c-1", spend: null }]);
    expect((await running.api("POST /customer/delete", { user_ids: ["c-1"] })).body.deleted_customers).toBe(1);
  });
});
