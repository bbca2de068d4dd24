import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Guardrail } from "@signalbox/kernel";
import type { KeysGateway } from "./keys-gateway.ts";
import { keysGateway } from "./keys-gateway.ts";

let running: KeysGateway;

/** Blocks everything, for the keys that ask for it. */
const nothing: Guardrail = {
  name: "nothing",
  runs: { defaultOn: false },
  checkRequest: () => ({ action: "block", reason: "nothing passes" }),
};

beforeAll(async () => {
  running = await keysGateway(undefined, [{ name: "guards", guardrails: [nothing] }]);
});
afterAll(() => running.close());

const code = async (key: string): Promise<unknown> => {
  const { status, body } = await running.chat(key);
  return status === 200 ? 200 : body.error.code;
};

describe("guardrails of a key", () => {
  it("hold for its calls, until an administrator takes them away", async () => {
    const { body: free } = await running.api("POST /key/generate", { models: ["small"], guardrails: [] });
    expect(await code(free.key)).toBe(200);
    const { body: key } = await running.api("POST /key/generate", { models: ["small"], guardrails: ["nothing"] });
    expect(key.guardrails).toEqual(["nothing"]);
    expect(await code(key.key)).toBe("guardrail_blocked");
    expect((await running.api(`GET /key/info?key=${key.token}`)).body.info.guardrails).toEqual(["nothing"]);
    await running.api("POST /key/update", { key: key.token, guardrails: null });
    expect(await code(key.key)).toBe(200);
  });

  it("that nobody has are refused", async () => {
    const { status, body } = await running.api("POST /key/generate", { models: ["small"], guardrails: ["missing"] });
    expect([status, body.error.param]).toEqual([400, "guardrails"]);
  });

  it("of a team hold for all its keys", async () => {
    await running.api("POST /team/new", { team_id: "guarded", guardrails: ["nothing"] });
    const { body: key } = await running.api("POST /key/generate", { team_id: "guarded" });
    expect(await code(key.key)).toBe("guardrail_blocked");
    const { body } = await running.api("POST /team/update", { team_id: "guarded", guardrails: [] });
    expect(body.data.guardrails).toBeUndefined();
    expect(await code(key.key)).toBe(200);
  });

  it("are not its holder's to change, and go on to the keys that are made with it", async () => {
    const { api, user } = running;
    await user("guarded");
    const { body: key } = await api("POST /key/generate", {
      user_id: "guarded",
      models: ["small"],
      guardrails: ["nothing"],
    });
    const freed = await api("POST /key/update", { key: key.token, guardrails: [] }, key.key);
    expect([freed.status, freed.body.error.param]).toEqual([403, "guardrails"]);
    const { body: child } = await api("POST /key/generate", { models: ["small"] }, key.key);
    expect(child.guardrails).toEqual(["nothing"]);
    expect(await code(child.key)).toBe("guardrail_blocked");
    const chosen = await api("POST /key/generate", { models: ["small"], guardrails: ["missing"] }, key.key);
    expect([chosen.status, chosen.body.error.param]).toEqual([403, "guardrails"]);
  });
});

describe("what no plugin reads", () => {
  it("is refused, with the word who would read it; what asks for nothing is taken", async () => {
    const refused = await running.api("POST /key/generate", { prompts: ["greeting"] });
    expect(refused.body.error).toEqual({
      message: "prompts has no effect in this gateway: it is read by a plugin that manages prompts",
      type: "invalid_request_error",
      param: "prompts",
      code: "unsupported_parameter",
    });
    const taken = await running.api("POST /key/generate", {
      allowed_cache_controls: [],
      object_permission: {},
      config: {},
      permissions: {},
      auto_rotate: false,
      send_invite_email: false,
      tpm_limit_type: "best_effort_throughput",
    });
    expect(taken.status, JSON.stringify(taken.body)).toBe(200);
    const team = await running.api("POST /team/new", { enforced_params: ["user"] });
    expect([team.status, team.body.error.code]).toEqual([400, "unsupported_parameter"]);
  });
});
