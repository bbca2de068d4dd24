import { describe, expect, it } from "vitest";
import type { Dialect, ResourceRoute, Route } from "@signalbox/kernel";
import { RouteTable, selectRoute } from "../src/route-table.ts";

function route(path: string, method: ResourceRoute["method"] = "POST", when?: ResourceRoute["when"]): Route {
  const handle = (): never => {
    throw new Error("not called");
  };
  return { kind: "resource", method, path, access: "caller", handle, ...(when !== undefined && { when }) };
}

function dialect(name: string, routes: readonly Route[]): Dialect {
  return { name, routes, encodeError: () => ({ status: 500, headers: {}, body: name }) };
}

function table(...dialects: readonly Dialect[]): RouteTable {
  const entries = dialects.flatMap((owner) => owner.routes.map((own) => ({ route: own, dialect: owner })));
  return new RouteTable(entries, dialects[0]);
}

describe("RouteTable", () => {
  const openai = dialect("openai", [route("/v1/chat/completions"), route("/engines/:model/chat/completions")]);
  const gemini = dialect("gemini", [
    route("/v1beta/models/:model:generateContent"),
    route("/v1beta/models/:model:streamGenerateContent"),
    route("/v1/files/:name+", "GET"),
  ]);
  const anthropic = dialect("anthropic", [route("/v1/messages"), route("/v1/messages/count_tokens")]);
  const routes = table(openai, gemini, anthropic);

  it.each([
    ["/v1/chat/completions", "/v1/chat/completions", {}],
    ["/engines/gpt-5/chat/completions", "/engines/:model/chat/completions", { model: "gpt-5" }],
    ["/engines/gpt%205/chat/completions", "/engines/:model/chat/completions", { model: "gpt 5" }],
    ["/v1beta/models/pro:generateContent", "/v1beta/models/:model:generateContent", { model: "pro" }],
    ["/v1beta/models/a:b:generateContent", "/v1beta/models/:model:generateContent", { model: "a:b" }],
    ["/v1beta/models/pro:streamGenerateContent", "/v1beta/models/:model:streamGenerateContent", { model: "pro" }],
    ["/v1/files/a/b/c", "/v1/files/:name+", { name: "a/b/c" }],
  ])("finds %s", (path, pattern, params) => {
    const match = routes.find(path);
    expect(match?.entry.path).toBe(pattern);
    expect({ ...match?.params }).toEqual(params);
  });

  it.each([
    "/v1/chat/completions/",
    "/V1/chat/completions",
    "//v1/chat/completions",
    "/v1/chat%2fcompletions",
    "/v1/chat/completions;x",
    "/v1/chat/completions.",
    "/engines//chat/completions",
    "/engines/a/b/chat/completions",
    "/v1beta/models/:generateContent",
    "/v1/files/",
    "/",
    "",
  ])("does not find %j", (path) => {
    expect(routes.find(path)).toBeUndefined();
  });

  it("refuses a parameter with broken percent-encoding", () => {
    expect(() => routes.find("/engines/%zz/chat/completions")).toThrow(
      expect.objectContaining({ code: "invalid_request" }),
    );
  });

  it.each([
    ["/v1/messages/batches", "anthropic"],
    ["/v1beta/anything", "gemini"],
    ["/v1/chat/completion", "openai"],
    ["/v1/unknown", "openai"],
    ["/elsewhere", "openai"],
  ])("lets the closest dialect speak about %s", (path, name) => {
    expect(routes.closest(path)?.name).toBe(name);
  });

  it("chooses by headers among routes of one path, whatever their order", () => {
    const plain = dialect("plain", [route("/v1/models", "GET")]);
    const picky = dialect("picky", [route("/v1/models", "GET", (headers) => headers["x-picky"] === "1")]);
    const entry = table(plain, picky).find("/v1/models")?.entry;
    if (entry === undefined) throw new Error("no entry");
    expect(selectRoute(entry, "GET", { "x-picky": "1" })?.dialect?.name).toBe("picky");
    expect(selectRoute(entry, "GET", {})?.dialect?.name).toBe("plain");
    expect(selectRoute(entry, "HEAD", {})?.dialect?.name).toBe("plain");
    expect(selectRoute(entry, "POST", {})).toBeUndefined();
  });

  it("matches long hostile paths in linear time", () => {
    const startedAt = performance.now();
    for (let round = 0; round < 100; round++) routes.find(`/v1/files/${"a:/".repeat(2_700)}\n`);
    expect(performance.now() - startedAt).toBeLessThan(500);
  });
});
