import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { KeysGateway } from "./keys-gateway.ts";
import { keysGateway } from "./keys-gateway.ts";

let running: KeysGateway;

/** What one tenant has: an organisation, a team, a user, keys. */
interface Tenant {
  readonly name: string;
  /** Key of the administrator. */
  readonly boss: string;
  /** Token of a key of the tenant's user. */
  readonly token: string;
  /** The same key. */
  readonly key: string;
}
let tenants: readonly [Tenant, Tenant];

async function tenant(name: string): Promise<Tenant> {
  const { api, user } = running;
  const boss = await user(`${name}-boss`);
  await api("POST /organization/new", { organization_id: name, organization_alias: name, models: ["small"] });
  await api("POST /organization/member_add", {
    organization_id: name,
    member: { user_id: `${name}-boss`, role: "org_admin" },
  });
  const made = [
    await api("POST /user/new", { user_id: `${name}-ann`, organizations: [name], auto_create_key: false }, boss),
    await api("POST /team/new", { team_id: `${name}-team`, organization_id: name, models: ["small"] }, boss),
  ];
  const last = await api("POST /key/generate", { team_id: `${name}-team`, user_id: `${name}-ann` }, boss);
  expect([...made, last].map(({ status }) => status)).toEqual([200, 200, 200]);
  const { key, token } = last.body as { key: string; token: string };
  return { name, boss, key, token };
}

beforeAll(async () => {
  running = await keysGateway();
  tenants = [await tenant("acme"), await tenant("other")];
});
afterAll(() => running.close());

/** Everything that can be asked about or done to a tenant's objects. */
const routes = ({ name, token }: Tenant): readonly (readonly [route: string, body: unknown])[] => [
  [`GET /organization/info?organization_id=${name}`, undefined],
  ["PATCH /organization/update", { organization_id: name, metadata: { seen: true } }],
  ["DELETE /organization/delete", { organization_ids: [name] }],
  ["POST /organization/member_add", { organization_id: name, member: { user_id: "acme-boss", role: "org_admin" } }],
  ["PATCH /organization/member_update", { organization_id: name, user_id: `${name}-boss`, role: "internal_user" }],
  ["DELETE /organization/member_delete", { organization_id: name, user_id: `${name}-boss` }],
  [`GET /team/info?team_id=${name}-team`, undefined],
  ["POST /team/update", { team_id: `${name}-team`, models: ["*"] }],
  ["POST /team/delete", { team_ids: [`${name}-team`] }],
  ["POST /team/block", { team_id: `${name}-team` }],
  ["POST /team/unblock", { team_id: `${name}-team` }],
  ["POST /team/member_add", { team_id: `${name}-team`, member: { user_id: "acme-ann", role: "admin" } }],
  ["POST /team/member_update", { team_id: `${name}-team`, user_id: `${name}-ann`, role: "admin" }],
  ["POST /team/member_delete", { team_id: `${name}-team`, user_id: `${name}-ann` }],
  ["POST /team/new", { team_id: "intruders", organization_id: name }],
  [`GET /user/info?user_id=${name}-ann`, undefined],
  ["POST /user/update", { user_id: `${name}-ann`, models: ["*"] }],
  ["POST /user/delete", { user_ids: [`${name}-ann`] }],
  ["POST /user/new", { user_id: "intruder", organizations: [name] }],
  [`GET /key/info?key=${token}`, undefined],
  ["POST /v2/key/info", { keys: [token] }],
  ["POST /key/update", { key: token, models: ["*"] }],
  ["POST /key/block", { key: token }],
  ["POST /key/unblock", { key: token }],
  ["POST /key/delete", { keys: [token] }],
  ["POST /key/regenerate", { key: token }],
  [`POST /key/${token}/regenerate`, {}],
  ["POST /key/generate", { team_id: `${name}-team`, models: ["small"] }],
  ["POST /key/generate", { team_id: `${name}-team`, user_id: `${name}-ann`, models: ["small"] }],
  ["POST /key/generate", { user_id: `${name}-ann`, models: ["small"] }],
  ["POST /key/generate", { organization_id: name, user_id: `${name}-ann`, models: ["small"] }],
  ["POST /key/service-account/generate", { team_id: `${name}-team`, models: ["small"] }],
  [`GET /key/list?organization_id=${name}`, undefined],
  [`GET /key/list?team_id=${name}-team`, undefined],
  [`GET /key/list?user_id=${name}-ann`, undefined],
  ["GET /audit", undefined],
];

async function objects({ name, token }: Tenant): Promise<string> {
  const found: unknown[] = [];
  for (const path of [
    `/organization/info?organization_id=${name}`,
    `/team/info?team_id=${name}-team`,
    `/user/info?user_id=${name}-ann`,
    `/key/info?key=${token}`,
    "/user/list",
  ]) {
    found.push((await running.api(`GET ${path}`)).body);
  }
  return JSON.stringify(found);
}

describe("the administrator of one organisation", () => {
  it("gets nothing of another's, and changes nothing of it", async () => {
    const [own, other] = tenants;
    const before = await objects(other);
    for (const [route, body] of routes(other)) {
      const answer = await running.api(route, body, own.boss);
      const told = JSON.stringify(answer.body);
      const empty = answer.status === 200 && !told.includes(other.token) && !told.includes("other-");
      expect([route, body, empty || [403, 404].includes(answer.status)]).toEqual([route, body, true]);
      // what does not exist looks the same as what is another's
      expect(told).not.toMatch(/other-boss|"models":\["small"\]/);
    }
    expect(await objects(other)).toBe(before);
    expect((await running.chat(other.key)).status).toBe(200);
  });

  it("cannot tell another's objects from those that nobody has", async () => {
    const [own, other] = tenants;
    const nobody: Tenant = { name: "nobody", boss: "", token: "tok_nobody", key: "" };
    const [theirs, nobodys] = [routes(other), routes(nobody)];
    const differing: string[] = [];
    for (const [index, [route, body]] of theirs.entries()) {
      const [twin, twinBody] = nobodys[index] as (typeof nobodys)[number];
      const [one, two] = [await running.api(route, body, own.boss), await running.api(twin, twinBody, own.boss)];
      const [first, second] = [one, two].map(
        (each) => `${each.status} ${each.body.error?.message} ${each.body.error?.param}`,
      );
      if (first !== second) differing.push(`${route} ${JSON.stringify(body)}: ${first}, ${second}`);
    }
    expect(differing).toEqual([]);
  });

  it("does all of it to its own", async () => {
    const [own] = tenants;
    for (const route of [`GET /team/info?team_id=acme-team`, `GET /user/info?user_id=acme-ann`]) {
      expect((await running.api(route, undefined, own.boss)).status).toBe(200);
    }
    expect((await running.api("POST /key/block", { key: own.token }, own.boss)).status).toBe(200);
    expect((await running.chat(own.key)).status).toBe(401);
    expect((await running.api("POST /key/unblock", { key: own.token }, own.boss)).status).toBe(200);
    expect((await running.chat(own.key)).status).toBe(200);
  });
});
