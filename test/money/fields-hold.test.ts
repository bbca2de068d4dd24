import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ChargingUpstream } from "../budgets/charging-upstream.ts";
import { openCharging } from "../budgets/charging-upstream.ts";
import type { WholeGateway } from "./whole-gateway.ts";
import { wholeGateway } from "./whole-gateway.ts";

let folder: string;
let upstream: ChargingUpstream;
let running: WholeGateway;
let made = 0;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "fields-"));
  upstream = await openCharging();
  running = await wholeGateway(join(folder, "ledger.db"), upstream.url);
});
afterAll(async () => {
  await running.close();
  await upstream.close();
  rmSync(folder, { recursive: true, force: true });
});

type Fields = Readonly<Record<string, unknown>>;
const manage = (path: string, body: Fields): Promise<Fields> => running.manage(path, body);
const named = (kind: string): string => `${kind}-${++made}`;

async function key(fields: Fields): Promise<string> {
  const grant = fields["team_id"] === undefined && { models: ["paid", "local"] };
  return String((await manage("/key/generate", { ...grant, ...fields })).key);
}

async function team(fields: Fields): Promise<string> {
  const team_id = named("team");
  await manage("/team/new", { team_id, models: ["paid", "local"], ...fields });
  return team_id;
}

async function user(fields: Fields = {}): Promise<string> {
  const user_id = named("user");
  await manage("/user/new", { user_id, auto_create_key: false, models: ["paid", "local"], ...fields });
  return user_id;
}

/** `served`, or what it was refused with and whose limit or budget that was. About 30 tokens, and 0.0001 US dollars. */
async function ask(caller: string, model: string, body: Fields = {}): Promise<string> {
  const response = await fetch(`${running.url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${caller}`, "content-type": "application/json" },
    body: JSON.stringify({
      model,
      max_tokens: 20,
      disable_fallbacks: true,
      messages: [{ role: "user", content: "words=20" }],
      ...body,
    }),
  });
  const { error } = (await response.json()) as { error?: { code: string; details?: { scope?: string } } };
  return error === undefined ? "served" : `${error.code} ${error.details?.scope}`;
}

/** Each call: the index of its key, its model, and what else stands in its body. */
type Steps = readonly (readonly [index: number, model: string, outcome: string, body?: Fields])[];
type Case = readonly [field: string, keys: () => Promise<readonly string[]>, steps: Steps];

const RATE = "rate_limit_exceeded";
const SPENT = "budget_exceeded";
/** Too little for any call of `paid`. */
const LITTLE = 0.00001;

const LIMITS: readonly Case[] = [
  [
    "rpm_limit of a key",
    async () => [await key({ rpm_limit: 2 }), await key({})],
    [
      [0, "local", "served"],
      [0, "paid", "served"],
      [0, "local", `${RATE} key`],
      [1, "local", "served"],
    ],
  ],
  [
    "tpm_limit of a key",
    async () => [await key({ tpm_limit: 40 })],
    [
      [0, "local", "served"],
      [0, "paid", "served"],
      [0, "paid", `${RATE} key`],
    ],
  ],
  ["rpm_limit 0", async () => [await key({ rpm_limit: 0 })], [[0, "local", `${RATE} key`]]],
  [
    "max_parallel_requests 0",
    async () => [await key({ max_parallel_requests: 0 })],
    [[0, "local", "concurrency_limit_exceeded key"]],
  ],
  [
    "model_rpm_limit of a key",
    async () => [await key({ model_rpm_limit: { local: 1 } })],
    [
      [0, "local", "served"],
      [0, "local", `${RATE} key`],
      [0, "paid", "served"],
    ],
  ],
  [
    "model_tpm_limit of a key",
    async () => [await key({ model_tpm_limit: { paid: 20 } })],
    [
      [0, "paid", `${RATE} key`],
      [0, "local", "served"],
    ],
  ],
  [
    "both of a model, and the key's own",
    async () => [await key({ rpm_limit: 2, model_rpm_limit: { local: 1 }, model_tpm_limit: { paid: 100 } })],
    [
      [0, "local", "served"],
      [0, "local", `${RATE} key`],
      [0, "paid", "served"],
      [0, "paid", `${RATE} key`],
    ],
  ],
  [
    "rpm_limit of a team, over its keys",
    async () => {
      const team_id = await team({ rpm_limit: 2 });
      return [await key({ team_id }), await key({ team_id })];
    },
    [
      [0, "local", "served"],
      [1, "local", "served"],
      [0, "local", `${RATE} team`],
      [1, "paid", `${RATE} team`],
    ],
  ],
  [
    "tpm_limit of a team",
    async () => {
      const team_id = await team({ tpm_limit: 20 });
      return [await key({ team_id })];
    },
    [[0, "local", `${RATE} team`]],
  ],
  [
    "model_rpm_limit of a team",
    async () => {
      const team_id = await team({ model_rpm_limit: { local: 1 } });
      return [await key({ team_id }), await key({ team_id })];
    },
    [
      [0, "local", "served"],
      [1, "local", `${RATE} team`],
      [1, "paid", "served"],
    ],
  ],
  [
    "model_tpm_limit of a team",
    async () => {
      const team_id = await team({ model_tpm_limit: { paid: 20 } });
      return [await key({ team_id })];
    },
    [
      [0, "paid", `${RATE} team`],
      [0, "local", "served"],
    ],
  ],
  [
    "team_member_rpm_limit: each member's own",
    async () => {
      const members = [await user(), await user()];
      const members_with_roles = members.map((user_id) => ({ user_id, role: "user" }));
      const team_id = await team({ team_member_rpm_limit: 1, members_with_roles });
      return await Promise.all(members.map((user_id) => key({ team_id, user_id })));
    },
    [
      [0, "local", "served"],
      [0, "local", `${RATE} teamMember`],
      [1, "local", "served"],
    ],
  ],
  [
    "team_member_tpm_limit",
    async () => {
      const user_id = await user();
      const team_id = await team({ team_member_tpm_limit: 20, members_with_roles: [{ user_id, role: "user" }] });
      return [await key({ team_id, user_id }), await key({ user_id })];
    },
    [
      [0, "local", `${RATE} teamMember`],
      [1, "local", "served"],
    ],
  ],
  [
    "rpm_limit of a member",
    async () => {
      const user_id = await user();
      const team_id = await team({ team_member_rpm_limit: 9, members_with_roles: [{ user_id, role: "user" }] });
      await manage("/team/member_update", { team_id, user_id, rpm_limit: 1 });
      return [await key({ team_id, user_id })];
    },
    [
      [0, "local", "served"],
      [0, "local", `${RATE} teamMember`],
    ],
  ],
  [
    "rpm_limit of a user, over their keys",
    async () => {
      const user_id = await user({ rpm_limit: 1 });
      return [await key({ user_id }), await key({ user_id })];
    },
    [
      [0, "local", "served"],
      [1, "local", `${RATE} user`],
    ],
  ],
  [
    "rpm_limit and model_rpm_limit of an organisation",
    async () => {
      const organization_id = named("org");
      await manage("/organization/new", {
        organization_id,
        organization_alias: organization_id,
        models: ["paid", "local"],
        rpm_limit: 2,
        model_rpm_limit: { local: 1 },
      });
      const team_id = await team({ organization_id });
      return [await key({ team_id }), await key({ team_id })];
    },
    [
      [0, "local", "served"],
      [1, "local", `${RATE} organization`],
      [1, "paid", "served"],
      [0, "paid", `${RATE} organization`],
    ],
  ],
  [
    "rpm_limit of a customer, whoever asks for them",
    async () => {
      await manage("/customer/new", { user_id: "customer-rpm", rpm_limit: 1 });
      return [await key({}), await key({})];
    },
    [
      [0, "local", "served", { user: "customer-rpm" }],
      [1, "local", `${RATE} customer`, { user: "customer-rpm" }],
      [1, "local", "served", { user: "customer-other" }],
    ],
  ],
  [
    "limits of a budget record",
    async () => {
      const budget_id = named("budget");
      await manage("/budget/new", { budget_id, rpm_limit: 1 });
      return [await key({ budget_id }), await key({ budget_id })];
    },
    [
      [0, "local", "served"],
      [0, "local", `${RATE} key`],
      [1, "local", "served"],
    ],
  ],
];

const BUDGETS: readonly Case[] = [
  [
    "max_budget of a key",
    async () => [await key({ max_budget: LITTLE }), await key({ max_budget: 1 })],
    [
      [0, "paid", `${SPENT} key`],
      [0, "local", "served"],
      [1, "paid", "served"],
    ],
  ],
  [
    "model_max_budget of a key",
    async () => [await key({ model_max_budget: { paid: { budget_limit: LITTLE, time_period: "1d" } } })],
    [
      [0, "paid", `${SPENT} key`],
      [0, "local", "served"],
    ],
  ],
  [
    "budget_limits of a key: the tightest of several windows",
    async () => [
      await key({
        budget_limits: [
          { budget_duration: "1d", max_budget: 1 },
          { budget_duration: "1mo", max_budget: LITTLE },
        ],
      }),
    ],
    [[0, "paid", `${SPENT} key`]],
  ],
  [
    "temp_budget_increase of a key",
    async () => {
      const raised = await key({ max_budget: LITTLE });
      const temp_budget_expiry = new Date(Date.now() + 60_000).toISOString();
      await manage("/key/update", { key: raised, temp_budget_increase: 1, temp_budget_expiry });
      const late = await key({ max_budget: LITTLE });
      await manage("/key/update", {
        key: late,
        temp_budget_increase: 1,
        temp_budget_expiry: new Date(Date.now() + 1_000).toISOString(),
      });
      await new Promise((resolve) => setTimeout(resolve, 1_100));
      return [raised, late];
    },
    [
      [0, "paid", "served"],
      [1, "paid", `${SPENT} key`],
    ],
  ],
  [
    "max_budget of a team",
    async () => {
      const team_id = await team({ max_budget: LITTLE });
      return [await key({ team_id, max_budget: 1 })];
    },
    [
      [0, "paid", `${SPENT} team`],
      [0, "local", "served"],
    ],
  ],
  [
    "team_member_budget, and max_budget_in_team in its place",
    async () => {
      const [poor, rich] = [await user(), await user()];
      const members_with_roles = [poor, rich].map((user_id) => ({ user_id, role: "user" }));
      const team_id = await team({ team_member_budget: LITTLE, members_with_roles });
      await manage("/team/member_update", { team_id, user_id: rich, max_budget_in_team: 1 });
      return [await key({ team_id, user_id: poor }), await key({ team_id, user_id: rich })];
    },
    [
      [0, "paid", `${SPENT} teamMember`],
      [1, "paid", "served"],
    ],
  ],
  [
    "max_budget of a user",
    async () => {
      const user_id = await user({ max_budget: LITTLE });
      return [await key({ user_id })];
    },
    [[0, "paid", `${SPENT} user`]],
  ],
  [
    "max_budget of an organisation",
    async () => {
      const organization_id = named("org");
      await manage("/organization/new", {
        organization_id,
        organization_alias: organization_id,
        models: ["paid", "local"],
        max_budget: LITTLE,
      });
      const team_id = await team({ organization_id });
      return [await key({ team_id })];
    },
    [[0, "paid", `${SPENT} organization`]],
  ],
  [
    "max_budget of a customer",
    async () => {
      await manage("/customer/new", { user_id: "customer-poor", max_budget: LITTLE });
      return [await key({})];
    },
    [
      [0, "paid", `${SPENT} customer`, { user: "customer-poor" }],
      [0, "paid", "served", { user: "customer-rich" }],
    ],
  ],
  [
    "max_budget of a tag, of keys and of calls",
    async () => {
      await manage("/tag/new", { name: "poor", max_budget: LITTLE });
      return [await key({ tags: ["poor"] }), await key({})];
    },
    [
      [0, "paid", `${SPENT} tag`],
      [1, "paid", `${SPENT} tag`, { metadata: { tags: ["poor"] } }],
      [1, "paid", "served"],
    ],
  ],
  [
    "max_budget of a budget record",
    async () => {
      const budget_id = named("budget");
      await manage("/budget/new", { budget_id, max_budget: LITTLE });
      return [await key({ budget_id })];
    },
    [[0, "paid", `${SPENT} key`]],
  ],
];

async function run(keys: () => Promise<readonly string[]>, steps: Steps): Promise<void> {
  const callers = await keys();
  const seen: string[] = [];
  for (const [index, model, , body] of steps) seen.push(await ask(callers[index] as string, model, body));
  expect(seen).toEqual(steps.map(([, , outcome]) => outcome));
}

describe("limits hold, by their fields of the management API:", () => {
  it.each(LIMITS)("%s", (_field, keys, steps) => run(keys, steps));

  it("max_parallel_requests of a team, over its keys", async () => {
    const team_id = await team({ max_parallel_requests: 1 });
    const [one, other] = [await key({ team_id }), await key({ team_id })];
    const slow = { messages: [{ role: "user", content: "words=2 wait=400" }] };
    const first = ask(one, "paid", slow);
    await expect.poll(() => upstream.calls).toBeGreaterThan(0);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(await ask(other, "local")).toBe("concurrency_limit_exceeded team");
    expect(await first).toBe("served");
    expect(await ask(other, "local")).toBe("served");
  });
});

describe("budgets hold, by their fields of the management API:", () => {
  it.each(BUDGETS)("%s", (_field, keys, steps) => run(keys, steps));
});
