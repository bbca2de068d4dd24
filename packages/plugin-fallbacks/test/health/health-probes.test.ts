import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import type { Deployment, RouterParts } from "@signalbox/kernel";
import { GatewayError } from "@signalbox/kernel";
import type { HealthProbes } from "../../src/health/health-probes.ts";
import { createHealthProbes } from "../../src/health/health-probes.ts";
import type { ProbeOptions } from "../../src/health/probe-options.ts";
import { probeOf } from "../../src/health/probe-request.ts";
import { deployment, group, HealthBench } from "./health-bench.ts";

interface Asked {
  readonly deployment: Deployment;
  readonly input: { readonly operation: string; readonly request: unknown };
  readonly signal: AbortSignal;
}

type Answer = (asked: Asked) => Promise<unknown>;

const open: HealthProbes[] = [];
afterEach(() => {
  for (const probes of open.splice(0)) probes.close();
});

function probing(deployments: readonly Deployment[], answer: Answer, options: ProbeOptions = {}) {
  const bench = new HealthBench(deployments);
  const asked: Asked[] = [];
  const probe = ((at: Deployment, input: Asked["input"], signal: AbortSignal) => {
    const one = { deployment: at, input, signal };
    asked.push(one);
    return answer(one);
  }) as unknown as RouterParts["probe"];
  const probes = createHealthProbes(options, bench.board, bench.models, { probe }, () => 0);
  open.push(probes);
  const ids = (): string => asked.map((each) => each.deployment.id).join("");
  const states = (): string[] => bench.board.states().map(({ state }) => state);
  return { bench, probes, asked, ids, states };
}

const well: Answer = () => Promise.resolve({});
const down: Answer = () => Promise.reject(new GatewayError("provider_error", "down"));
const never: Answer = () => new Promise(() => undefined);

describe("what is asked", () => {
  const TEXT = [{ type: "text", text: "Hi" }];
  it.each([
    [undefined, "chat", { model: "m", messages: [{ role: "user", content: TEXT }], maxOutputTokens: 16 }],
    ["chat", "chat", { model: "m", messages: [{ role: "user", content: TEXT }], maxOutputTokens: 16 }],
    ["responses", "chat", { model: "m", messages: [{ role: "user", content: TEXT }], maxOutputTokens: 16 }],
    ["completion", "complete", { model: "m", prompts: ["Hi"], maxOutputTokens: 16 }],
    ["embedding", "embed", { model: "m", inputs: ["Hi"] }],
    ["rerank", "rerank", { model: "m", query: "Hi", documents: ["Hi"] }],
    ["moderation", "moderate", { model: "m", inputs: [TEXT] }],
  ])("of the mode %s: %s", (mode, operation, request) => {
    const probe = probeOf(deployment("a", mode === undefined ? {} : { info: { mode } }));
    expect(probe?.input).toEqual({ operation, request });
  });

  it.each(["image_generation", "audio_speech", "audio_transcription", "realtime", "constructor", 7])(
    "of the mode %s: nothing, it has no cheap request",
    (mode) => {
      expect(probeOf(deployment("a", { info: { mode } }))).toBeUndefined();
    },
  );

  it("of a wildcard: its health check model, or nothing", () => {
    const wildcard = deployment("a", { model: "p/*", upstreamModel: "*" });
    expect(probeOf(wildcard)).toBeUndefined();
    for (const healthCheckModel of ["small", "p/small"]) {
      const probe = probeOf({ ...wildcard, info: { healthCheckModel, healthCheckTimeoutMs: 50 } });
      expect(probe?.deployment).toMatchObject({ id: "a", model: "p/small", upstreamModel: "small" });
      expect(probe?.input.request).toMatchObject({ model: "p/small" });
      expect(probe?.timeoutMs).toBe(50);
    }
  });

  it("of a model with a cheaper stand-in: the stand-in", () => {
    const probe = probeOf(deployment("a", { info: { healthCheckModel: "small" } }));
    expect(probe?.deployment).toMatchObject({ model: "m", upstreamModel: "small" });
  });
});

describe("a check", () => {
  it("brings back what answers, and counts what does not", async () => {
    const { bench, probes, states } = probing(group(3), ({ deployment: { id } }) =>
      (id === "c" ? down : well)({} as Asked),
    );
    bench.fail("a", "provider_error", {}, 5);
    await probes.check(bench.models.all());
    expect(states()).toEqual(["healthy", "healthy", "failing"]);
    expect(bench.board.states().map(({ lastProbe }) => lastProbe?.ok)).toEqual([true, true, false]);
    for (let time = 0; time < 4; time++) await probes.check([bench.find("c")]);
    expect(states()).toEqual(["healthy", "healthy", "ejected"]);
  });

  it.each([
    ["the options", {}, 30],
    ["the deployment", { healthCheckTimeoutMs: 30 }, 60_000],
  ])("ends by the time limit of %s, even where nobody listens", async (_name, info, timeoutMs) => {
    const { bench, probes, asked } = probing([deployment("a", { info })], never, { timeoutMs });
    // a timer that is not waited for does not keep a process, so keep it here
    await Promise.race([probes.check(bench.models.all()), sleep(5_000)]);
    expect(asked[0]?.signal.aborted).toBe(true);
    expect(bench.board.states()[0]).toMatchObject({ state: "failing", code: "timeout", lastProbe: { ok: false } });
  });

  it("asks no more than so many at a time, and nobody twice at the same time", async () => {
    let running = 0;
    let most = 0;
    const { bench, probes, asked } = probing(
      group(20),
      async () => {
        running += 1;
        most = Math.max(most, running);
        await sleep(2);
        running -= 1;
      },
      { concurrency: 3 },
    );
    await Promise.all([probes.check(bench.models.all()), probes.check(bench.models.all())]);
    expect([most, asked.length]).toEqual([3, 20]);
    await probes.check(bench.models.all());
    expect(asked).toHaveLength(40);
  });
});

describe("rounds", () => {
  it("ask everybody again and again, until they are closed", async () => {
    const { probes, asked, ids } = probing(group(2), well, { intervalMs: 100 });
    probes.start();
    const started = performance.now();
    while (asked.length < 6 && performance.now() - started < 5_000) await sleep(10);
    expect(ids().slice(0, 6)).toBe("ababab");
    // two pauses, each at most a tenth shorter
    expect(performance.now() - started).toBeGreaterThan(170);
    probes.close();
    const before = asked.length;
    await sleep(250);
    expect(asked).toHaveLength(before);
  });

  it("leave the rate limited in peace", async () => {
    const { bench, probes, asked, ids } = probing(group(3), well, { intervalMs: 100 });
    bench.fail("b", "provider_rate_limited", { retryAfterMs: 60_000 });
    probes.start();
    while (asked.length < 4) await sleep(5);
    expect(ids().slice(0, 4)).toBe("acac");
  });

  it("end what is running when they are closed, and hold it against nobody", async () => {
    const { bench, probes, asked, states } = probing(group(5), never, { intervalMs: 100, concurrency: 2 });
    const checked = probes.check(bench.models.all());
    probes.close();
    await checked;
    expect(asked.map(({ signal }) => signal.aborted)).toEqual([true, true]);
    expect(states()).toEqual(["healthy", "healthy", "healthy", "healthy", "healthy"]);
  });
});
