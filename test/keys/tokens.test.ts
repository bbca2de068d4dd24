import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Issuer } from "../../packages/plugin-keys/test/support/issuer.ts";
import { AUDIENCE, startIssuer } from "../../packages/plugin-keys/test/support/issuer.ts";
import type { KeysGateway } from "./keys-gateway.ts";
import { keysGateway } from "./keys-gateway.ts";

let issuer: Issuer;
let running: KeysGateway;

beforeAll(async () => {
  issuer = await startIssuer();
  running = await keysGateway(undefined, [], {
    jwt: {
      issuers: [{ issuer: issuer.url, audience: AUDIENCE }],
      claims: { teamId: "team", roles: "roles", endUserId: "customer" },
      requireRole: false,
      roleMappings: [
        { role: "ops", internalRole: "proxy_admin" },
        { role: "auditor", internalRole: "proxy_admin_viewer" },
        { role: "reader", internalRole: "internal_user_viewer" },
      ],
      adminAllowedRoutes: ["/key/*", "/user/new"],
    },
  });
  const { api, user } = running;
  await user("alice", { models: ["small"], max_budget: 5 });
  await user("bob", { models: ["small", "large"] });
  await api("POST /team/new", { team_id: "red", models: ["large"] });
  await api("POST /customer/new", { user_id: "c-blocked" });
  await api("POST /customer/block", { user_ids: ["c-blocked"] });
});
afterAll(async () => {
  await running.close();
  await issuer.close();
});

describe("a caller with a token", () => {
  it("uses the models of its user or team, and no others", async () => {
    const alice = await issuer.token({ sub: "alice" });
    expect((await running.chat(alice, "small")).status).toBe(200);
    expect((await running.chat(alice, "large")).body.error.code).toBe("model_not_allowed");
    const inRed = await issuer.token({ sub: "alice", team: "red" });
    expect((await running.chat(inRed, "large")).status).toBe(200);
    expect((await running.chat(inRed, "small")).body.error.code).toBe("model_not_allowed");
  });

  it("calls for the customer that the token names, whatever the request says", async () => {
    const token = await issuer.token({ sub: "bob", customer: "c-blocked" });
    const answer = await running.chat(token, "small", { user: "somebody-else" });
    expect([answer.status, answer.body.error.code]).toEqual([403, "account_blocked"]);
  });

  it("makes keys of its own, no wider than itself, and sees nobody else's", async () => {
    const alice = await issuer.token({ sub: "alice" });
    const made = await running.api("POST /key/generate", { models: ["small"], max_budget: 1 }, alice);
    expect([made.status, made.body.user_id]).toEqual([200, "alice"]);
    expect((await running.chat(made.body.key, "small")).status).toBe(200);
    for (const [body, param] of [
      [{ models: ["large"] }, "models"],
      [{ models: ["small"], max_budget: 6 }, "max_budget"],
      [{ models: ["small"], user_id: "bob" }, "user_id"],
      [{ models: ["small"], team_id: "red" }, "team_id"],
    ] as const) {
      const answer = await running.api("POST /key/generate", body, alice);
      expect([param, answer.status, answer.body.error?.param]).toEqual([param, 403, param]);
    }
    const bobs = (await running.api("GET /key/list?user_id=bob")).body.keys[0];
    const token = typeof bobs === "string" ? bobs : bobs.token;
    expect((await running.api(`GET /key/info?key=${token}`, undefined, alice)).status).toBe(404);
    expect((await running.api("POST /key/delete", { keys: [token] }, alice)).status).toBe(404);
    expect((await running.api("GET /user/list", undefined, alice)).status).toBe(403);
    expect((await running.api("POST /user/update", { user_id: "alice", models: ["*"] }, alice)).status).toBe(403);
  });

  it("has the role that was mapped: administrators their routes, viewers no writing", async () => {
    const ops = await issuer.token({ sub: "ops-1", roles: ["ops"] });
    expect((await running.api("POST /user/new", { user_id: "carol" }, ops)).status).toBe(403);
    expect((await running.api("POST /user/new", { user_id: "dave", auto_create_key: false }, ops)).status).toBe(200);
    expect((await running.api("GET /user/list", undefined, ops)).status).toBe(403);
    // bound to some routes, it opens no others
    const wider = await running.api("POST /key/generate", { models: ["small"] }, ops);
    expect([wider.status, wider.body.error.param]).toEqual([403, "allowed_routes"]);
    const auditor = await issuer.token({ sub: "bob", roles: ["auditor"] });
    expect((await running.api("GET /user/list", undefined, auditor)).status).toBe(200);
    expect((await running.api("POST /user/new", { user_id: "eve" }, auditor)).status).toBe(403);
    const reader = await issuer.token({ sub: "bob", roles: ["reader"] });
    expect((await running.api("GET /user/list", undefined, reader)).status).toBe(403);
    expect((await running.api("POST /key/generate", { models: ["small"] }, reader)).status).toBe(403);
    expect(
      (await running.api("POST /key/generate", { models: ["small"] }, await issuer.token({ sub: "bob" }))).status,
    ).toBe(200);
  });

  it("is told as itself in the audit log, without the token", async () => {
    const bob = await issuer.token({ sub: "bob" });
    const { token } = (await running.api("POST /key/generate", { models: ["small"] }, bob)).body;
    const { body } = await running.api(`GET /audit?object_id=${token}`);
    const text = JSON.stringify(body);
    expect(text).toContain('"changed_by":"bob"');
    expect(text).not.toContain(bob);
    expect(text).not.toContain(bob.split(".")[2]);
  });
});
