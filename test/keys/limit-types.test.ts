import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Answer, KeysGateway } from "./keys-gateway.ts";
import { keysGateway } from "./keys-gateway.ts";

let running: KeysGateway;

beforeAll(async () => {
  running = await keysGateway();
});
afterAll(() => running.close());

const generate = (fields: Readonly<Record<string, unknown>>, as?: string): Promise<Answer> =>
  running.api("POST /key/generate", fields, as);
const guaranteed = (team_id: string, rpm_limit: number): Promise<Answer> =>
  generate({ team_id, rpm_limit, rpm_limit_type: "guaranteed_throughput" });
const refusal = ({ status, body }: Answer): unknown => [status, body.error?.param, body.error?.message];

describe("guaranteed throughput", () => {
  it("is never more than the team may do", async () => {
    await running.api("POST /team/new", { team_id: "t-1", rpm_limit: 100, tpm_limit: 1_000 });
    const first = await guaranteed("t-1", 60);
    expect([first.status, first.body.rpm_limit_type]).toEqual([200, "guaranteed_throughput"]);
    expect(refusal(await guaranteed("t-1", 41))).toEqual([
      400,
      "rpm_limit",
      "41 cannot be guaranteed: of the 100 of its team 40 are left",
    ]);
    expect((await guaranteed("t-1", 40)).status).toBe(200);
    expect(refusal(await guaranteed("t-1", 1))).toEqual([
      400,
      "rpm_limit",
      "1 cannot be guaranteed: of the 100 of its team 0 are left",
    ]);
    // bounds are no guarantees, tokens are no requests, other teams are others
    expect((await generate({ team_id: "t-1", rpm_limit: 90 })).status).toBe(200);
    const tokens = { team_id: "t-1", tpm_limit: 1_000, tpm_limit_type: "guaranteed_throughput" };
    expect((await generate(tokens)).status).toBe(200);
    expect(refusal(await generate({ ...tokens, tpm_limit: 1 }))).toEqual([
      400,
      "tpm_limit",
      "1 cannot be guaranteed: of the 1000 of its team 0 are left",
    ]);
    // what a key gives back is there for others
    await running.api("POST /key/update", { key: first.body.token, rpm_limit_type: "best_effort_throughput" });
    expect((await guaranteed("t-1", 60)).status).toBe(200);
    const back = await running.api("POST /key/update", {
      key: first.body.token,
      rpm_limit_type: "guaranteed_throughput",
    });
    expect(refusal(back)).toEqual([400, "rpm_limit", "60 cannot be guaranteed: of the 100 of its team 0 are left"]);
  });

  it("is never more than the organisation may do, over all its teams", async () => {
    const organization_id = "o-1";
    await running.api("POST /organization/new", { organization_id, organization_alias: "one", rpm_limit: 10 });
    for (const team_id of ["t-2", "t-3"]) await running.api("POST /team/new", { team_id, organization_id });
    expect((await guaranteed("t-2", 6)).status).toBe(200);
    expect(refusal(await guaranteed("t-3", 5))).toEqual([
      400,
      "rpm_limit",
      "5 cannot be guaranteed: of the 10 of its organisation 4 are left",
    ]);
    expect((await guaranteed("t-3", 4)).status).toBe(200);
  });

  it("is not given twice to many who ask at once", async () => {
    await running.api("POST /team/new", { team_id: "t-4", rpm_limit: 10 });
    const answers = await Promise.all(Array.from({ length: 20 }, () => guaranteed("t-4", 3)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(3);
  });

  it("needs a limit, which a budget record may have; a key can be blocked whatever its team may do by now", async () => {
    await running.api("POST /team/new", { team_id: "t-5", rpm_limit: 10 });
    const without = await generate({ team_id: "t-5", rpm_limit_type: "guaranteed_throughput" });
    expect(refusal(without)).toEqual([400, "rpm_limit", "a guarantee needs rpm_limit"]);
    await running.api("POST /budget/new", { budget_id: "b-1", rpm_limit: 7 });
    const made = await generate({ team_id: "t-5", budget_id: "b-1", rpm_limit_type: "guaranteed_throughput" });
    expect(made.status).toBe(200);
    expect((await guaranteed("t-5", 4)).status).toBe(400);
    await running.api("POST /team/update", { team_id: "t-5", rpm_limit: 5 });
    expect((await running.api("POST /key/block", { key: made.body.token })).status).toBe(200);
  });
});

describe("other types", () => {
  it("dynamic takes a limit that can be shared out", async () => {
    await running.api("POST /team/new", { team_id: "t-6", rpm_limit: 10 });
    const shared = await generate({ team_id: "t-6", rpm_limit_type: "dynamic", priority: 3 });
    expect([shared.status, shared.body.rpm_limit_type, shared.body.priority]).toEqual([200, "dynamic", 3]);
    expect(refusal(await generate({ team_id: "t-6", tpm_limit_type: "dynamic" }))).toEqual([
      400,
      "tpm_limit_type",
      "there is no tpm_limit of a team or an organisation to be shared out",
    ]);
  });

  it.each([{ rpm_limit_type: "all" }, { priority: 0 }, { priority: 101 }])("%o is refused", async (fields) => {
    const { status, body } = await generate(fields);
    expect([status, body.error.param]).toEqual([400, Object.keys(fields)[0]]);
  });

  it("are for administrators to say", async () => {
    const user = await running.user("typist");
    for (const fields of [{ rpm_limit: 1, rpm_limit_type: "guaranteed_throughput" }, { priority: 9 }]) {
      const { status, body } = await generate(fields, user);
      expect([status, body.error.param]).toEqual([403, Object.keys(fields).at(-1)]);
    }
    expect((await generate({ rpm_limit: 1, rpm_limit_type: "best_effort_throughput" }, user)).status).toBe(200);
  });
});
