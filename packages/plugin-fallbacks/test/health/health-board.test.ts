import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { describe, expect, it } from "vitest";
import type { HealthChange } from "../../src/health/health-register.ts";
import { deployment, EPOCH, failure, group, HealthBench, linkedStates, newCall } from "./health-bench.ts";

describe("usable", () => {
  it("is the same array while nobody is left out, whatever fails", () => {
    const bench = new HealthBench(group(3));
    const listed = bench.models.deployments("m");
    bench.fail("a", "provider_error", {}, 4);
    expect(bench.board.usable(newCall(), listed)).toBe(listed);
  });

  it("is the same shorter array as long as nothing changes, and the whole one again afterwards", () => {
    const bench = new HealthBench([
      ...group(3),
      deployment("x", { model: "other" }),
      deployment("y", { model: "other" }),
    ]);
    const listed = bench.models.deployments("m");
    bench.fail("b", "provider_rate_limited", { retryAfterMs: 2_000 });
    const without = bench.board.usable(newCall(), listed);
    expect(without.map(({ id }) => id)).toEqual(["a", "c"]);
    expect(bench.board.usable(newCall(), listed)).toBe(without);
    bench.fail("x", "provider_rate_limited", { retryAfterMs: 1_000 });
    expect(bench.board.usable(newCall(), listed)).toBe(without);
    expect(bench.board.usable(newCall(), bench.models.deployments("other")).map(({ id }) => id)).toEqual(["y"]);
    bench.pass(2_000);
    expect(bench.board.usable(newCall(), listed)).toBe(listed);
  });

  it("tells a call what it leaves out, why, and for how long", () => {
    const bench = new HealthBench(group(4));
    bench.fail("a", "provider_rate_limited", { retryAfterMs: 30_000 });
    bench.fail("b", "provider_auth_failed", { upstreamStatus: 401 });
    bench.fail("c", "provider_error", {}, 5);
    bench.pass(1_000);
    const call = newCall();
    expect(bench.usable("m", call)).toBe("d");
    expect(call.trace.skipped).toEqual([
      { deployment: "a", reason: "rate limited by its provider", code: "provider_rate_limited", retryAfterMs: 29_000 },
      {
        deployment: "b",
        reason: "its provider refuses the credential",
        code: "no_healthy_deployment",
        retryAfterMs: 29_000,
      },
      {
        deployment: "c",
        reason: "it failed several times in a row",
        code: "no_healthy_deployment",
        retryAfterMs: 4_000,
      },
    ]);
  });
});

describe("what the provider says", () => {
  it.each([
    ["its own time", { retryAfterMs: 12_000 }, 12_000],
    ["no time", {}, 5_000],
    ["a time that has passed", { retryAfterMs: 0 }, 5_000],
    ["a time beyond all reason", { retryAfterMs: 86_400_000 }, 600_000],
  ])("a rate limit with %s", (_name, options, expected) => {
    const bench = new HealthBench(group(2));
    bench.fail("a", "provider_rate_limited", options);
    expect([bench.state("a"), bench.left("a"), bench.usable()]).toEqual(["cooling", expected, "b"]);
    bench.pass(expected - 1);
    expect(bench.usable()).toBe("b");
    bench.pass(1);
    expect(bench.usable()).toBe("ab");
    expect(bench.state("a")).toBe("failing");
    expect(bench.board.failing(bench.find("a"))).toBe(true);
    bench.succeed("a");
    expect([bench.state("a"), bench.board.failing(bench.find("a"))]).toEqual(["healthy", false]);
  });

  it("lets all calls back in when a rate limit is over", () => {
    const bench = new HealthBench(group(2));
    bench.fail("a", "provider_rate_limited", { retryAfterMs: 1_000 });
    bench.pass(1_000);
    bench.begin("a");
    expect(bench.usable()).toBe("ab");
  });

  it("waits longer when a rate limit is told again by a call that was on its way", () => {
    const bench = new HealthBench(group(2));
    const [first, second] = [bench.begin("a"), bench.begin("a")];
    bench.end("a", first, { error: failure("provider_rate_limited", { retryAfterMs: 1_000 }) });
    bench.end("a", second, { error: failure("provider_rate_limited", { retryAfterMs: 9_000 }) });
    expect(bench.left("a")).toBe(9_000);
  });

  it.each([
    ["a refused credential", "provider_auth_failed", { upstreamStatus: 401 }, "its provider refuses the credential"],
    [
      "an unknown model",
      "model_not_found",
      { upstreamStatus: 404, param: "model" },
      "its provider does not know the model",
    ],
    [
      "a spent quota",
      "provider_rate_limited",
      { type: "insufficient_quota" },
      "its provider says that the quota is spent",
    ],
  ] as const)("%s: longer each time, with one call to find out", (_name, code, options, reason) => {
    const bench = new HealthBench(group(2));
    bench.succeed("a");
    bench.fail("a", code, options);
    expect([bench.state("a"), bench.left("a"), bench.reason("a")]).toEqual(["cooling", 30_000, reason]);
    for (const expected of [60_000, 120_000, 240_000, 300_000, 300_000]) {
      bench.pass(bench.left("a") ?? 0);
      expect(bench.usable()).toBe("ab");
      bench.fail("a", code, options);
      expect([bench.state("a"), bench.left("a"), bench.usable()]).toEqual(["cooling", expected, "b"]);
    }
  });

  it("may leave out all of a larger group, and says so", () => {
    const bench = new HealthBench(group(2));
    bench.fail("a", "provider_rate_limited", { retryAfterMs: 7_000 });
    bench.fail("b", "provider_rate_limited", { retryAfterMs: 3_000 });
    const call = newCall();
    expect(bench.usable("m", call)).toBe("");
    expect(call.trace.skipped?.map(({ code, retryAfterMs }) => [code, retryAfterMs])).toEqual([
      ["provider_rate_limited", 7_000],
      ["provider_rate_limited", 3_000],
    ]);
  });
});

describe("what may be the request's fault", () => {
  it.each([
    ["invalid_request", {}],
    ["context_length_exceeded", {}],
    ["content_policy_violation", {}],
    ["unsupported_parameter", {}],
    ["unsupported_operation", {}],
    ["request_too_large", {}],
    ["guardrail_blocked", {}],
    ["budget_exceeded", {}],
    ["rate_limit_exceeded", {}],
    ["concurrency_limit_exceeded", {}],
    ["price_unknown", {}],
    ["ledger_unavailable", {}],
    ["internal_error", {}],
    ["client_closed", {}],
  ] as const)("%s never counts", (code, options) => {
    const bench = new HealthBench(group(2));
    bench.fail("a", code, options, 50);
    expect(bench.board.states()[0]).toMatchObject({ state: "healthy", consecutiveFailures: 0, failuresLastMinute: 0 });
  });

  it("an abandoned call says nothing, whatever it ended with", () => {
    const bench = new HealthBench(group(2));
    for (let time = 0; time < 20; time++) {
      bench.end("a", bench.begin("a"), { ok: false, error: failure("provider_error"), abandoned: true });
    }
    expect(bench.board.states()[0]).toMatchObject({ state: "healthy", requestsLastMinute: 0, inFlight: 0 });
  });

  it.each([
    ["model_not_found", { upstreamStatus: 404 }],
    ["provider_auth_failed", { upstreamStatus: 403 }],
  ] as const)("%s does not count where the same deployment has just answered", (code, options) => {
    const bench = new HealthBench(group(2));
    bench.succeed("a");
    bench.pass(59_999);
    bench.fail("a", code, options, 20);
    expect(bench.state("a")).toBe("healthy");
    bench.pass(1);
    bench.fail("a", code, options);
    expect(bench.state("a")).toBe("cooling");
  });

  it("never leaves out a wildcard because of a name that a client made up", () => {
    const bench = new HealthBench([
      deployment("a", { model: "p/*", upstreamModel: "*" }),
      deployment("b", { model: "p/*" }),
    ]);
    const [concrete] = bench.models.deployments("p/nonsense");
    for (let time = 0; time < 20; time++) {
      for (const error of [
        failure("model_not_found", { upstreamStatus: 404, param: "model" }),
        failure("provider_auth_failed", { upstreamStatus: 403 }),
      ]) {
        const call = newCall();
        bench.board.begin?.(concrete as never, call);
        bench.board.report?.(concrete as never, { ok: false, error, firstEventMs: 1, durationMs: 1 }, call);
      }
    }
    expect(bench.usable("p/other")).toBe("ab");
    bench.fail("a", "provider_auth_failed", { upstreamStatus: 401 });
    expect(bench.usable("p/other")).toBe("b");
    for (let name = 0; name < 5_000; name++) bench.usable(`p/${name}`);
    expect(bench.board.states()).toHaveLength(2);
  });
});

describe("a caller's own patience", () => {
  const late = failure("timeout");

  function tries(durationMs: number, options: object, more: object = {}, error = late): string {
    const bench = new HealthBench([deployment("a", more), deployment("b")]);
    for (let time = 0; time < 5; time++) {
      const controller = new AbortController();
      const call = newCall(options, controller.signal);
      bench.begin("a", call);
      controller.abort(late);
      bench.end("a", call, { ok: false, error, durationMs });
    }
    return bench.state("a");
  }

  it("does not count when it is short", () => {
    expect(tries(50, { timeoutMs: 50 })).toBe("healthy");
    expect(tries(50, { streamTimeoutMs: 50 }, {}, failure("timeout"))).toBe("healthy");
  });

  it("counts when the deployment had its chance", () => {
    expect(tries(10_000, { timeoutMs: 10_000 })).toBe("ejected");
    expect(tries(10_000, { streamTimeoutMs: 10_000 }, {}, failure("timeout"))).toBe("ejected");
  });

  it("counts where the gateway or the deployment sets the limit", () => {
    expect(tries(9_000, {})).toBe("ejected");
    expect(tries(50, { streamTimeoutMs: 5_000 }, { streamTimeoutMs: 50 }, failure("timeout"))).toBe("ejected");
    expect(tries(50, { timeoutMs: 5_000 }, { timeoutMs: 50 }, failure("timeout"))).toBe("ejected");
    expect(tries(50, { timeoutMs: 50 }, {}, failure("timeout", { upstreamStatus: 504 }))).toBe("ejected");
  });

  it("does not count what earlier tries left of the gateway's time", () => {
    expect(tries(4_000, {})).toBe("healthy");
  });
});

describe("failures in a row", () => {
  it.each(["provider_error", "provider_overloaded", "timeout"] as const)("five of %s eject", (code) => {
    const bench = new HealthBench(group(2));
    bench.succeed("a", 20);
    bench.fail("a", code, {}, 4);
    expect([bench.state("a"), bench.usable()]).toEqual(["failing", "ab"]);
    bench.fail("a", code);
    expect([bench.state("a"), bench.left("a"), bench.usable()]).toEqual(["ejected", 5_000, "b"]);
  });

  it("begin again after an answer", () => {
    const bench = new HealthBench(group(2));
    bench.succeed("a", 20);
    bench.fail("a", "provider_error", {}, 4);
    bench.succeed("a");
    bench.fail("a", "provider_error", {}, 4);
    expect(bench.state("a")).toBe("failing");
  });

  it("wait longer each time, until a healthy period has passed", () => {
    const bench = new HealthBench(group(2));
    bench.fail("a", "provider_error", {}, 5);
    for (const expected of [10_000, 20_000, 40_000, 60_000, 60_000]) {
      bench.pass(bench.left("a") ?? 0);
      bench.fail("a");
      expect([bench.state("a"), bench.left("a")]).toEqual(["ejected", expected]);
    }
    bench.pass(60_000);
    bench.succeed("a");
    bench.pass(59_999);
    bench.fail("a", "provider_error", {}, 5);
    expect(bench.left("a")).toBe(60_000);
    bench.pass(60_000);
    bench.succeed("a");
    bench.pass(60_000);
    bench.fail("a", "provider_error", {}, 5);
    expect(bench.left("a")).toBe(5_000);
  });

  it("wait at least as long as the provider asks for", () => {
    const bench = new HealthBench(group(2));
    bench.fail("a", "provider_overloaded", { retryAfterMs: 17_000 }, 5);
    expect(bench.left("a")).toBe(17_000);
  });

  it("are not counted on while it is left out: calls that were on their way end one after the other", () => {
    const bench = new HealthBench(group(2));
    const calls = Array.from({ length: 100 }, () => bench.begin("a"));
    for (const call of calls) bench.end("a", call, { error: failure("provider_error") });
    expect([bench.left("a"), bench.state("a")]).toEqual([5_000, "ejected"]);
    const older = bench.begin("a");
    bench.end("a", older, { ok: true });
    expect(bench.state("a")).toBe("ejected");
  });
});

describe("the failure rate", () => {
  it("needs five requests and more than half of them failed, within a minute", () => {
    const bench = new HealthBench(group(2));
    for (const good of [false, true, false, true]) good ? bench.succeed("a") : bench.fail("a");
    expect(bench.state("a")).toBe("healthy");
    bench.fail("a");
    expect([bench.state("a"), bench.left("a")]).toEqual(["cooling", 5_000]);
    expect(bench.reason("a")).toBe("more than half of its calls failed within a minute");
  });

  it("forgets what is older than a minute", () => {
    const bench = new HealthBench(group(2));
    bench.fail("a", "provider_error", {}, 2);
    bench.succeed("a", 2);
    bench.pass(60_000);
    bench.fail("a", "provider_error", {}, 2);
    expect(bench.state("a")).toBe("failing");
    expect(bench.board.states()[0]).toMatchObject({ requestsLastMinute: 2, failuresLastMinute: 2 });
  });

  it("tolerates half", () => {
    const bench = new HealthBench(group(2));
    for (let time = 0; time < 50; time++) {
      bench.succeed("a");
      bench.fail("a");
    }
    expect([bench.state("a"), bench.usable()]).toEqual(["failing", "ab"]);
  });
});

describe("the half-open state", () => {
  function dueBench(): HealthBench {
    const bench = new HealthBench(group(2));
    bench.fail("a", "provider_error", {}, 5);
    bench.pass(5_000);
    return bench;
  }

  it("lets exactly one call through, and claims nothing for a look", () => {
    const bench = dueBench();
    for (let look = 0; look < 10; look++) expect(bench.usable()).toBe("ab");
    expect(bench.board.mayTry(bench.find("a"))).toBe(true);
    expect(bench.state("a")).toBe("ejected");
    const probing = bench.begin("a");
    expect(bench.state("a")).toBe("probing");
    expect(probing.trace.notes).toEqual([{ stage: "route", text: 'this call finds out whether "a" answers again' }]);
    const other = newCall();
    expect([bench.usable("m", other), bench.board.mayTry(bench.find("a"))]).toEqual(["b", false]);
    expect(other.trace.skipped).toEqual([
      {
        deployment: "a",
        reason: "another call is finding out whether it answers again",
        code: "no_healthy_deployment",
        retryAfterMs: 1_000,
      },
    ]);
    bench.end("a", probing, { ok: true });
    expect([bench.state("a"), bench.usable(), bench.reason("a")]).toEqual(["healthy", "ab", undefined]);
  });

  it("leaves it out for longer when the call fails", () => {
    const bench = dueBench();
    bench.end("a", bench.begin("a"), { error: failure("timeout") });
    expect([bench.state("a"), bench.left("a"), bench.usable()]).toEqual(["ejected", 10_000, "b"]);
  });

  it.each([
    ["is abandoned", { ok: false, error: failure("client_closed"), abandoned: true }],
    ["was at fault itself", { error: failure("invalid_request") }],
    ["was denied by a budget", { error: failure("budget_exceeded") }],
  ])("lets the next call find out when the one %s", (_name, outcome) => {
    const bench = dueBench();
    bench.end("a", bench.begin("a"), outcome);
    expect([bench.state("a"), bench.usable()]).toEqual(["ejected", "ab"]);
    const next = bench.begin("a");
    expect([bench.state("a"), bench.usable()]).toEqual(["probing", "b"]);
    bench.end("a", next, { ok: true });
    expect(bench.state("a")).toBe("healthy");
  });

  it("does not wait for ever for a call that does not end", () => {
    const bench = dueBench();
    const stuck = bench.begin("a");
    bench.pass(59_999);
    expect(bench.usable()).toBe("b");
    bench.pass(1);
    expect(bench.usable()).toBe("ab");
    const second = bench.begin("a");
    expect(bench.usable()).toBe("b");
    bench.end("a", stuck, { error: failure("timeout") });
    expect(bench.state("a")).toBe("probing");
    bench.end("a", second, { ok: true });
    expect([bench.state("a"), bench.usable()]).toEqual(["healthy", "ab"]);
  });

  it("lets the next call go when a stream has begun, and is over when the stream has ended well", () => {
    const bench = dueBench();
    const stream = bench.begin("a");
    expect(bench.usable()).toBe("b");
    bench.board.answered?.(bench.find("a"), 5, stream);
    expect([bench.state("a"), bench.usable()]).toEqual(["ejected", "ab"]);
    bench.begin("a");
    expect([bench.state("a"), bench.usable()]).toEqual(["probing", "b"]);
    bench.pass(30_000);
    bench.end("a", stream, { ok: true });
    expect([bench.state("a"), bench.usable()]).toEqual(["healthy", "ab"]);
  });

  it("goes on, longer, when a stream that had begun breaks", () => {
    const bench = dueBench();
    const streams = [bench.begin("a")];
    bench.board.answered?.(bench.find("a"), 5, streams[0] as never);
    streams.push(bench.begin("a"));
    bench.board.answered?.(bench.find("a"), 5, streams[1] as never);
    bench.pass(1_000);
    for (const stream of streams) bench.end("a", stream, { error: failure("provider_error") });
    expect([bench.state("a"), bench.left("a")]).toEqual(["ejected", 10_000]);
  });

  it("takes no notice of calls that were begun before", () => {
    const bench = new HealthBench(group(2));
    const [good, bad] = [bench.begin("a"), bench.begin("a")];
    bench.fail("a", "provider_error", {}, 5);
    bench.pass(5_000);
    const probing = bench.begin("a");
    bench.end("a", good, { ok: true });
    bench.end("a", bad, { error: failure("provider_error") });
    expect(bench.state("a")).toBe("probing");
    bench.end("a", probing, { ok: true });
    expect(bench.state("a")).toBe("healthy");
  });
});

describe("the share of a group", () => {
  it.each([
    [2, 1],
    [3, 1],
    [4, 2],
    [5, 2],
    [10, 5],
  ])("of %i deployments, failures leave out %i", (size, expected) => {
    const bench = new HealthBench(group(size));
    for (const { id } of group(size)) bench.fail(id, "provider_error", {}, 6);
    const states = bench.board.states().map(({ state }) => state);
    expect(states.filter((state) => state === "ejected")).toHaveLength(expected);
    expect(states.filter((state) => state === "failing")).toHaveLength(size - expected);
    expect(bench.board.states().at(-1)?.reason).toBe(
      "it failed several times in a row; kept: too many others of its model are left out",
    );
  });

  it.each([
    [0, 0],
    [0.25, 1],
    [0.75, 3],
    [1, 3],
  ])("a share of %f leaves out %i of 4: the last one is never ejected", (maxEjectedShare, expected) => {
    const bench = new HealthBench(group(4), { maxEjectedShare });
    for (const { id } of group(4)) bench.fail(id, "provider_error", {}, 6);
    expect(bench.board.states().filter(({ state }) => state === "ejected")).toHaveLength(expected);
  });

  it("counts neither what providers say nor other groups", () => {
    const teams = [...group(2), deployment("t", { teamId: "red" }), deployment("u", { teamId: "red" })];
    const bench = new HealthBench([...teams, deployment("x", { model: "n" }), deployment("y", { model: "n" })]);
    for (const id of ["a", "b", "t", "u", "x", "y"]) bench.fail(id, "provider_error", {}, 6);
    expect(bench.board.states().map(({ state }) => state)).toEqual([
      "ejected",
      "failing",
      "ejected",
      "failing",
      "ejected",
      "failing",
    ]);
    bench.fail("b", "provider_rate_limited");
    expect(bench.state("b")).toBe("cooling");
  });

  it("makes a last resort of what it may not leave out, and lets one call at a time find out", () => {
    const bench = new HealthBench(group(3));
    const lastResorts = (): string =>
      group(3)
        .filter((each) => bench.board.lastResort(each))
        .map(({ id }) => id)
        .join("");
    for (const id of ["a", "b"]) bench.fail(id, "provider_error", {}, 5);
    expect([bench.usable(), lastResorts()]).toEqual(["bc", "b"]);
    // calls that were under way, or had nowhere else to go, do not make it longer
    bench.fail("b", "provider_error", {}, 20);
    bench.pass(5_000);
    expect(lastResorts()).toBe("");
    const first = bench.begin("b");
    expect(lastResorts()).toBe("b");
    bench.end("b", first, { error: failure("provider_error") });
    bench.pass(9_999);
    expect(lastResorts()).toBe("b");
    bench.pass(1);
    const second = bench.begin("b");
    bench.end("b", second, { error: failure("client_closed"), abandoned: true });
    expect(lastResorts()).toBe("");
    bench.succeed("b");
    expect([bench.state("b"), lastResorts()]).toEqual(["healthy", ""]);
  });

  it("makes no last resort of the only deployment, nor of any where cooldowns are off", () => {
    const lone = new HealthBench(group(1));
    const off = new HealthBench(group(2), { disabled: true });
    for (const bench of [lone, off]) {
      bench.fail("a", "provider_error", {}, 20);
      expect(bench.board.lastResort(deployment("a"))).toBe(false);
    }
  });

  it("never takes the last one that its provider has left", () => {
    const bench = new HealthBench(group(2));
    bench.fail("a", "provider_rate_limited", { retryAfterMs: 60_000 });
    bench.fail("b", "provider_error", {}, 20);
    expect([bench.usable(), bench.reason("b")]).toEqual([
      "b",
      "it failed several times in a row; kept: all others of its model are left out",
    ]);
  });

  it.each([
    ["provider_error", {}, "it failed several times in a row; kept: it is the only deployment of its model"],
    [
      "provider_rate_limited",
      { retryAfterMs: 60_000 },
      "rate limited by its provider; kept: it is the only deployment of its model",
    ],
    ["provider_auth_failed", {}, "its provider refuses the credential; kept: it is the only deployment of its model"],
    ["model_not_found", {}, "its provider does not know the model; kept: it is the only deployment of its model"],
  ] as const)("keeps a lone deployment after %s", (code, options, reason) => {
    const bench = new HealthBench(group(1));
    bench.fail("a", code, options, 50);
    expect([bench.usable(), bench.state("a"), bench.reason("a"), bench.board.failing(bench.find("a"))]).toEqual([
      "a",
      "failing",
      reason,
      true,
    ]);
    bench.succeed("a");
    expect([bench.state("a"), bench.reason("a")]).toEqual(["healthy", undefined]);
  });
});

describe("options", () => {
  it("allowedFails replaces the other rules", () => {
    const bench = new HealthBench(group(2), { allowedFails: 8 });
    bench.fail("a", "provider_error", {}, 7);
    bench.fail("a", "provider_rate_limited", { retryAfterMs: 9_000 });
    expect(bench.state("a")).toBe("failing");
    bench.fail("a");
    expect([bench.state("a"), bench.left("a")]).toEqual(["cooling", 5_000]);
    expect(bench.reason("a")).toBe("more of its calls failed within a minute than are allowed");
    bench.fail("b", "provider_rate_limited", { retryAfterMs: 9_000 }, 8);
    expect(bench.state("b")).toBe("failing");
    bench.fail("b", "provider_rate_limited", { retryAfterMs: 9_000 });
    expect([bench.state("b"), bench.left("b")]).toEqual(["cooling", 9_000]);
  });

  it("allowedFails of 0 tolerates nothing", () => {
    const bench = new HealthBench(group(2), { allowedFails: 0 });
    bench.fail("a");
    expect(bench.usable()).toBe("b");
  });

  it("allowedFailsPolicy holds for its classes, everything else stays as it is", () => {
    const bench = new HealthBench(group(4), { allowedFailsPolicy: { rateLimit: 2, timeout: 0, badRequest: 3 } });
    bench.fail("a", "provider_rate_limited", {}, 2);
    expect(bench.state("a")).toBe("failing");
    bench.fail("a", "provider_rate_limited");
    expect(bench.state("a")).toBe("cooling");
    bench.fail("b", "timeout");
    expect(bench.state("b")).toBe("cooling");
    bench.fail("c", "provider_auth_failed", { upstreamStatus: 401 });
    expect(bench.state("c")).toBe("cooling");
    bench.fail("d", "invalid_request", {}, 3);
    expect([bench.state("d"), bench.board.failing(bench.find("d"))]).toEqual(["healthy", false]);
  });

  it("allowedFailsPolicy may count what requests are at fault for", () => {
    const bench = new HealthBench(group(2), { allowedFailsPolicy: { badRequest: 3, contentPolicy: 1 } });
    bench.fail("a", "invalid_request", {}, 3);
    expect(bench.usable()).toBe("ab");
    bench.fail("a", "context_length_exceeded");
    expect(bench.usable()).toBe("b");
  });

  it("disabled leaves nobody out, and still counts", () => {
    const bench = new HealthBench(group(2), { disabled: true });
    bench.fail("a", "provider_error", {}, 9);
    bench.fail("a", "provider_rate_limited", { retryAfterMs: 9_000 });
    expect(bench.usable()).toBe("ab");
    expect(bench.board.states()[0]).toMatchObject({
      state: "failing",
      code: "provider_rate_limited",
      reason: "rate limited by its provider; kept: cooldowns are switched off",
      failuresLastMinute: 10,
    });
  });

  it("ms is the first cooldown, and the growing ends no earlier", () => {
    const bench = new HealthBench(group(2), { ms: 400_000 });
    bench.fail("a", "provider_error", {}, 5);
    expect(bench.left("a")).toBe(400_000);
    bench.pass(400_000);
    bench.fail("a");
    expect(bench.left("a")).toBe(400_000);
  });
});

describe("changed deployments", () => {
  it("holds a cooldown that somebody has chosen for every cause", () => {
    const bench = new HealthBench(group(2), { ms: 7_000 });
    bench.fail("a", "provider_auth_failed");
    expect(bench.left("a")).toBe(7_000);
    expect(new HealthBench(group(2)).left("a")).toBeUndefined();
  });

  it("keeps states by id, and drops those of removed deployments", () => {
    const bench = new HealthBench(group(3));
    bench.fail("b", "provider_error", {}, 5);
    const kept = bench.models.all().filter(({ id }) => id !== "a");
    bench.models.replace([...kept, deployment("z")]);
    expect(bench.board.states().map(({ id, state }) => [id, state])).toEqual([
      ["b", "ejected"],
      ["c", "healthy"],
      ["z", "healthy"],
    ]);
    expect(bench.usable()).toBe("cz");
    bench.models.replace([deployment("z")]);
    expect([bench.usable(), bench.board.states().length]).toEqual(["z", 1]);
    bench.models.replace(group(3));
    expect([bench.usable(), bench.state("b")]).toEqual(["abc", "healthy"]);
  });

  it("begins anew with a deployment that was changed: its credential may have been mended", () => {
    const bench = new HealthBench(group(2));
    const running = bench.begin("a");
    bench.fail("a", "provider_auth_failed");
    bench.models.replace([deployment("a", { region: "eu" }), bench.find("b")]);
    expect([bench.state("a"), bench.usable(), bench.board.states()[0]?.inFlight]).toEqual(["healthy", "ab", 1]);
    bench.end("a", running, { ok: true });
    expect(bench.board.states()[0]?.inFlight).toBe(0);
  });

  it("takes back what a smaller group cannot spare", () => {
    const bench = new HealthBench(group(4));
    bench.fail("a", "provider_error", {}, 5);
    bench.fail("b", "provider_error", {}, 5);
    bench.models.replace(["a", "b"].map((id) => bench.find(id)));
    expect(bench.board.states().map(({ state }) => state)).toEqual(["failing", "ejected"]);
    bench.models.replace([bench.find("b")]);
    expect([bench.usable(), bench.reason("b")]).toEqual([
      "b",
      "it failed several times in a row; kept: it is the only deployment of its model",
    ]);
  });

  it("is not disturbed by outcomes of deployments that are gone", () => {
    const bench = new HealthBench(group(2));
    const gone = bench.find("a");
    const call = bench.begin("a");
    bench.models.replace([bench.find("b")]);
    bench.board.report?.(gone, { ok: false, error: failure("provider_error"), firstEventMs: 1, durationMs: 1 }, call);
    expect(bench.board.mayTry(gone)).toBe(true);
    expect(bench.board.failing(gone)).toBe(false);
    expect(bench.board.states().map(({ id }) => id)).toEqual(["b"]);
  });
});

describe("several processes", () => {
  function pair(size = 4): readonly [HealthBench, HealthBench] {
    const [one, two] = linkedStates();
    const first = new HealthBench(group(size), {}, one);
    return [first, new HealthBench(group(size), {}, two, first.clock)];
  }

  it("share who is left out, for how long and how often, and who is back", () => {
    const [one, two] = pair();
    one.fail("a", "provider_error", {}, 5);
    one.fail("b", "provider_rate_limited", { retryAfterMs: 20_000 });
    expect([two.usable(), two.state("a"), two.left("a"), two.left("b")]).toEqual(["cd", "ejected", 5_000, 20_000]);
    one.pass(5_000);
    expect([one.usable(), two.usable()]).toEqual(["acd", "acd"]);
    two.fail("a");
    expect([one.left("a"), two.left("a")]).toEqual([10_000, 10_000]);
    one.pass(10_000);
    const probing = two.begin("a");
    expect([one.usable(), two.usable()]).toEqual(["cd", "cd"]);
    two.end("a", probing, { ok: true });
    expect([one.usable(), two.usable(), one.state("a")]).toEqual(["acd", "acd", "healthy"]);
  });

  it("let a process that is finding out go on, whatever another one says", () => {
    const [one, two] = pair();
    one.fail("a", "provider_error", {}, 5);
    const before = two.begin("a");
    one.pass(5_000);
    const probing = one.begin("a");
    two.end("a", before, { error: failure("provider_auth_failed") });
    two.board.probed("a", 1, failure("timeout"));
    one.pass(60_000);
    two.fail("a");
    expect([one.state("a"), two.state("a")]).toEqual(["probing", "ejected"]);
    one.end("a", probing, { ok: true });
    expect([one.state("a"), two.state("a")]).toEqual(["healthy", "healthy"]);
  });

  it("remember across a restart", () => {
    const [one, two] = linkedStates();
    const before = new HealthBench(group(2), {}, one);
    before.fail("a", "provider_error", {}, 5);
    before.board.close();
    const after = new HealthBench(group(2), {}, two, before.clock);
    expect([after.usable(), after.left("a")]).toEqual(["b", 5_000]);
  });

  it("do not take from each other more than the share", () => {
    const [one, two] = linkedStates();
    const clock = new HealthBench(group(2), {}, one).clock;
    const late = new HealthBench(group(2), {}, two, clock);
    late.fail("a", "provider_error", {}, 5);
    one.set(
      "cooldown/b",
      { until: EPOCH + clock.time + 5_000, code: "timeout", cause: "failuresInARow", count: 1 },
      9_000,
    );
    expect(late.usable()).toBe("b");
  });

  it.each([
    ["nothing that can be read", "x"],
    ["no object", null],
    ["an unknown cause", { until: EPOCH * 2, code: "timeout", cause: "sunspots", count: 1 }],
    ["an unknown code", { until: EPOCH * 2, code: "nope", cause: "failureRate", count: 1 }],
    ["a count that is none", { until: EPOCH * 2, code: "timeout", cause: "failureRate", count: 0.5 }],
    ["no time", { until: "soon", code: "timeout", cause: "failureRate", count: 1 }],
  ])("do not believe %s", (_name, value) => {
    const [one, two] = linkedStates();
    const bench = new HealthBench(group(2), {}, one);
    two.set("cooldown/a", value, 10_000);
    expect([bench.usable(), bench.state("a")]).toEqual(["ab", "healthy"]);
  });

  it("do not believe a clock that is far ahead, nor names they do not know", () => {
    const [one, two] = linkedStates();
    const bench = new HealthBench(group(2), {}, one);
    two.set("cooldown/a", { until: EPOCH * 2, code: "timeout", cause: "failureRate", count: 1 }, 10_000);
    two.set("cooldown/nobody", { until: EPOCH * 2, code: "timeout", cause: "failureRate", count: 1 }, 10_000);
    expect([bench.left("a"), bench.board.states().length]).toEqual([600_000, 2]);
  });

  it("leave each other in peace once closed", () => {
    const [one, two] = pair();
    two.board.close();
    one.fail("a", "provider_error", {}, 5);
    expect(two.usable()).toBe("abcd");
  });
});

describe("health checks", () => {
  it("end an ejection and a refused credential, but no rate limit", () => {
    const bench = new HealthBench(group(6));
    bench.fail("a", "provider_error", {}, 5);
    bench.fail("b", "provider_auth_failed");
    bench.fail("c", "provider_rate_limited", { retryAfterMs: 60_000 });
    for (const id of ["a", "b", "c"]) bench.board.probed(id, 12.4);
    expect(
      bench.board
        .states()
        .map(({ state }) => state)
        .slice(0, 3),
    ).toEqual(["healthy", "healthy", "cooling"]);
    expect(bench.board.states()[0]?.lastProbe).toEqual({ at: bench.clock.epochMs(), ok: true, durationMs: 12 });
  });

  it("count as failures, but not where the check was at fault", () => {
    const bench = new HealthBench(group(2));
    bench.board.probed("a", 1, failure("invalid_request"));
    expect(bench.board.states()[0]).toMatchObject({
      state: "healthy",
      lastProbe: { ok: false, code: "invalid_request" },
    });
    for (let time = 0; time < 5; time++) bench.board.probed("a", 1, failure("timeout"));
    expect(bench.state("a")).toBe("ejected");
    bench.pass(5_000);
    bench.board.probed("a", 1, failure("timeout"));
    expect([bench.state("a"), bench.left("a")]).toEqual(["ejected", 10_000]);
    bench.board.probed("nobody", 1);
  });
});

describe("what is told", () => {
  it("every change on the channel signalbox:health", () => {
    const changes: HealthChange[] = [];
    const listener = (change: unknown): void => void changes.push(change as HealthChange);
    subscribe("signalbox:health", listener);
    try {
      const bench = new HealthBench(group(2));
      const at = bench.clock.epochMs();
      bench.fail("a", "timeout", {}, 6);
      bench.pass(5_000);
      bench.succeed("a");
      const row = { deployment: "a", model: "m" };
      expect(changes).toEqual([
        { ...row, from: "healthy", to: "failing", code: "timeout", untilMs: undefined },
        { ...row, from: "failing", to: "ejected", code: "timeout", untilMs: at + 5_000 },
        { ...row, from: "ejected", to: "probing", code: "timeout", untilMs: at + 65_000 },
        { ...row, from: "probing", to: "healthy", code: undefined, untilMs: undefined },
      ]);
    } finally {
      unsubscribe("signalbox:health", listener);
    }
  });

  it("all that is known about a deployment, without an upstream's words", () => {
    const bench = new HealthBench([deployment("a", { baseUrl: "https://upstream.internal" }), deployment("b")]);
    bench.succeed("a", 2);
    bench.pass(1_000);
    bench.fail("a", "timeout");
    bench.begin("a");
    bench.pass(1_000);
    const now = bench.clock.epochMs();
    expect(bench.board.states()[0]).toEqual({
      id: "a",
      model: "m",
      provider: "p",
      upstreamModel: "u",
      state: "failing",
      code: "timeout",
      reason: "its provider did not answer in time",
      since: now - 1_000,
      consecutiveFailures: 1,
      requestsLastMinute: 3,
      failuresLastMinute: 1,
      inFlight: 1,
      lastSuccess: now - 2_000,
      lastFailure: now - 1_000,
    });
    bench.fail("a", "provider_error", {}, 5);
    expect(JSON.stringify(bench.board.states())).not.toMatch(/upstream\.internal|secret/);
  });
});
