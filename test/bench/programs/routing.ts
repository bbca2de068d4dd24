// What choosing among many deployments costs, keeps in memory, and comes to. Measured in the process, without any I/O.

import type { Call, Deployment, Outcome, Router, RouterFactory, Strategy, StrategyFactory } from "@signalbox/kernel";
import { createModelTable, MemoryState } from "@signalbox/kernel";
import { testCall } from "@signalbox/kernel/testkit";
import { fallbacks } from "@signalbox/plugin-fallbacks";
import type { RoutingOptions } from "@signalbox/plugin-routing";
import { routing } from "@signalbox/plugin-routing";
import { answer, ready } from "../../probe.ts";
import type { RoutingCost, RoutingCostQuestion, RoutingShares, RoutingSharesQuestion } from "../routing.ts";

const CALL = testCall({
  operation: "chat",
  request: { model: "m", messages: [{ role: "user", content: [{ type: "text", text: "Hello." }] }] },
}) as unknown as Call;

function routerFor(
  deployments: readonly Deployment[],
  options: RoutingOptions,
): { router: Router; strategy: Strategy } {
  const models = createModelTable(deployments, []);
  const state = new MemoryState();
  const parts = { state, facts: (deployment: Deployment) => deployment.info ?? {}, fallbacks: {} };
  const strategy = (routing(options).strategy as StrategyFactory)(models, parts);
  strategy.validate?.(models);
  const probe = (): Promise<never> => Promise.reject(new Error("nothing is probed here"));
  const router = (fallbacks({}).router as RouterFactory)(models, { ...parts, strategy, probe });
  return { router, strategy };
}

function listed(count: number, facts: (index: number) => Partial<Deployment>): readonly Deployment[] {
  return Array.from({ length: count }, (_, index) => ({
    id: `d-${index}`,
    model: "m",
    provider: "none",
    upstreamModel: "u",
    ...facts(index),
  }));
}

/** One call that succeeds at its first deployment, as the gateway's driver does it. */
function pick(router: Router): Deployment {
  const candidates = router.route(CALL) as Iterable<Deployment>;
  const iterator = candidates[Symbol.iterator]();
  const { value } = iterator.next();
  return value as Deployment;
}

function heap(): number {
  for (let pass = 0; pass < 3; pass++) globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

/** Nanoseconds of one call's routing: first pick, begin, report. The least of several rounds: the machine is shared. */
answer("cost", ({ strategy, deployments, ill, calls }: RoutingCostQuestion): RoutingCost => {
  const all = listed(deployments, (index) => ({
    weight: 1 + (index % 5),
    tpm: 1_000_000 + index,
    info: { inputCostPerToken: 1e-6 * (1 + (index % 7)), outputCostPerToken: 2e-6 },
  }));
  const { router, strategy: watcher } = routerFor(all, { strategy });
  const outcome: Outcome = { ok: true, firstEventMs: 20, durationMs: 40, usage: { inputTokens: 10, outputTokens: 20 } };
  const one = (): void => {
    const deployment = pick(router);
    router.begin?.(deployment, CALL);
    watcher.begin?.(deployment, CALL);
    router.report?.(deployment, outcome, CALL);
    watcher.report?.(deployment, outcome, CALL);
    // what a call notes belongs to the call; this one stands for all
    CALL.trace.notes = undefined;
    CALL.trace.skipped = undefined;
  };
  for (const deployment of all.slice(0, ill)) failAtOnce(router, deployment);
  for (let count = 0; count < calls / 10; count++) one();
  const before = heap();
  let least = Number.POSITIVE_INFINITY;
  const rounds = 10;
  for (let round = 0; round < rounds; round++) {
    const startedAt = performance.now();
    for (let count = 0; count < calls / rounds; count++) one();
    least = Math.min(least, (performance.now() - startedAt) / (calls / rounds));
  }
  return { microsPerCall: least * 1_000, heapGrowthBytes: heap() - before };
});

function failAtOnce(router: Router, deployment: Deployment): void {
  const error = { code: "provider_rate_limited", status: 429, retryable: true, retryAfterMs: 600_000 };
  router.begin?.(deployment, CALL);
  router.report?.(deployment, { ok: false, error: error as never, firstEventMs: 1, durationMs: 1 }, CALL);
}

/** The share of each deployment over many calls, of which so many run at the same time. */
answer("shares", ({ options, facts, latencyMs, calls, atOnce }: RoutingSharesQuestion): RoutingShares => {
  const all = listed(facts.length, (index) => facts[index] ?? {});
  const { router, strategy } = routerFor(all, options);
  const counts = new Map<string, number>(all.map(({ id }) => [id, 0]));
  const running: Deployment[] = [];
  const end = (deployment: Deployment): void => {
    const index = Number(deployment.id.slice(2));
    const durationMs = latencyMs[index] ?? 20;
    const usage = { inputTokens: 10, outputTokens: 90 };
    router.report?.(deployment, { ok: true, firstEventMs: durationMs, durationMs, usage }, CALL);
    strategy.report?.(deployment, { ok: true, firstEventMs: durationMs, durationMs, usage }, CALL);
  };
  for (let count = 0; count < calls; count++) {
    const deployment = pick(router);
    counts.set(deployment.id, (counts.get(deployment.id) ?? 0) + 1);
    router.begin?.(deployment, CALL);
    strategy.begin?.(deployment, CALL);
    running.push(deployment);
    if (running.length >= atOnce) end(running.shift() as Deployment);
    CALL.trace.notes = undefined;
    CALL.trace.skipped = undefined;
  }
  return { shares: all.map(({ id }) => (counts.get(id) ?? 0) / calls) };
});

ready(0);
