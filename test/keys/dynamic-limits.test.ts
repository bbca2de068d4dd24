import { afterAll, beforeAll, expect, it } from "vitest";
import { limits } from "@signalbox/plugin-limits";
import type { KeysGateway } from "./keys-gateway.ts";
import { keysGateway } from "./keys-gateway.ts";

let running: KeysGateway;

beforeAll(async () => {
  running = await keysGateway(undefined, [limits({ keyHeaders: true })]);
});
afterAll(() => running.close());

async function key(fields: Readonly<Record<string, unknown>>): Promise<string> {
  const { status, body } = await running.api("POST /key/generate", fields);
  expect(status, JSON.stringify(body)).toBe(200);
  return body.key as string;
}

/** The limit that the key has now. */
async function limitOf(caller: string, unit: "rpm" | "tpm" = "rpm"): Promise<string | null> {
  const { status, headers, body } = await running.chat(caller, "small", { max_tokens: 5 });
  expect(status, JSON.stringify(body)).toBe(200);
  return headers.get(`x-signalbox-key-${unit}-limit`);
}

it("dynamic keys have shares of their team's limit, by priority, and idle ones none", async () => {
  await running.api("POST /team/new", { team_id: "shared", models: ["small"], rpm_limit: 40 });
  const dynamic = { team_id: "shared", rpm_limit_type: "dynamic" };
  const [one, other, heavy] = [await key(dynamic), await key(dynamic), await key({ ...dynamic, priority: 2 })];
  const floor = await key({ ...dynamic, rpm_limit: 15 });
  const bound = await key({ team_id: "shared", rpm_limit: 7 });
  expect(await limitOf(one)).toBe("40");
  expect(await limitOf(one)).toBe("40");
  expect(await limitOf(other)).toBe("20");
  expect(await limitOf(one)).toBe("20");
  expect(await limitOf(heavy)).toBe("20");
  expect(await limitOf(one)).toBe("10");
  // five weights by now: 8 is less than what it always has
  expect(await limitOf(floor)).toBe("15");
  expect(await limitOf(bound)).toBe("7");
  // a key of its own limit has no share, and takes none
  expect(await limitOf(one)).toBe("8");
});

it("the team's limit holds whatever the shares are", async () => {
  await running.api("POST /team/new", { team_id: "small", models: ["small"], rpm_limit: 3 });
  const keys: string[] = [];
  for (let made = 0; made < 6; made++) keys.push(await key({ team_id: "small", rpm_limit_type: "dynamic" }));
  const answers = await Promise.all(keys.map((each) => running.chat(each)));
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(3);
  // each has had a share of one, so it is the team that refuses the others
  for (const { status, body } of answers) if (status !== 200) expect(body.error.details.scope).toBe("team");
});

it("tokens are shared out too, and an organisation's limit where the team has none", async () => {
  const organization_id = "org";
  await running.api("POST /organization/new", {
    organization_id,
    organization_alias: "org",
    models: ["small"],
    tpm_limit: 9_000,
  });
  await running.api("POST /team/new", { team_id: "below", organization_id, models: ["small"] });
  const dynamic = { team_id: "below", tpm_limit_type: "dynamic" };
  const [one, other] = [await key(dynamic), await key({ ...dynamic, priority: 2 })];
  expect(await limitOf(one, "tpm")).toBe("9000");
  expect(await limitOf(other, "tpm")).toBe("6000");
  expect(await limitOf(one, "tpm")).toBe("3000");
});
