import { describe, expect, it } from "vitest";
import type { ResourceRoute } from "@signalbox/kernel";
import { APPLICATION } from "@signalbox/kernel";
import { anthropicDialects } from "@signalbox/provider-anthropic";

const NAMES = ["alpha", "beta", "gamma"];
const routes = anthropicDialects()[2]?.routes as readonly ResourceRoute[];
const context = { principal: APPLICATION, models: async () => NAMES.map((name) => ({ name, provider: "x" })) };

async function get(path: string, query: string, params: Record<string, string> = {}): Promise<unknown> {
  const route = routes.find((candidate) => candidate.path === path);
  const request = { method: "GET", path, query: new URLSearchParams(query), params, headers: {}, body: undefined };
  return JSON.parse(String((await route?.handle(request, context))?.body));
}

function model(id: string) {
  return { type: "model", id, display_name: id, created_at: "1970-01-01T00:00:00Z" };
}

describe("models", () => {
  it("are Anthropic's for clients that send its version header", () => {
    expect(routes[0]?.when?.({ "anthropic-version": "2023-06-01" })).toBe(true);
    expect(routes[0]?.when?.({ authorization: "Bearer x" })).toBe(false);
  });

  it.each([
    ["", ["alpha", "beta", "gamma"], false],
    ["limit=2", ["alpha", "beta"], true],
    ["limit=2&after_id=beta", ["gamma"], false],
    ["limit=1&before_id=gamma", ["beta"], true],
    ["before_id=alpha", [], false],
  ])("are paged: %s", async (query, ids, more) => {
    expect(await get("/v1/models", query)).toEqual({
      data: ids.map(model),
      has_more: more,
      first_id: ids[0] ?? null,
      last_id: ids.at(-1) ?? null,
    });
  });

  it.each(["limit=0", "limit=x", "after_id=delta"])("refuses %s", async (query) => {
    await expect(get("/v1/models", query)).rejects.toMatchObject({ code: "invalid_request" });
  });

  it("are found one by one", async () => {
    expect(await get("/v1/models/:model+", "", { model: "beta" })).toEqual(model("beta"));
    await expect(get("/v1/models/:model+", "", { model: "delta" })).rejects.toMatchObject({ code: "model_not_found" });
  });
});
