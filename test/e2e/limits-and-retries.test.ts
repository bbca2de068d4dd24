import { expect, test } from "vitest";
import type { AttemptLayer, Deployment, Gateway } from "@signalbox/kernel";
import { createGateway, MemoryState } from "@signalbox/kernel";
import { fallbacks } from "@signalbox/plugin-fallbacks";
import { routing } from "@signalbox/plugin-routing";
import { mock } from "@signalbox/provider-mock";

interface Watched {
  readonly gateway: Gateway;
  readonly state: MemoryState;
  /** Most attempts at the same time, and all there were, by deployment. */
  readonly most: Map<string, number>;
  readonly begun: Map<string, number>;
}

async function limitedGateway(deployments: readonly Partial<Deployment>[], queue: boolean): Promise<Watched> {
  const state = new MemoryState();
  const now = new Map<string, number>();
  const most = new Map<string, number>();
  const begun = new Map<string, number>();
  const add = (to: Map<string, number>, id: string, amount: number): number => {
    const sum = (to.get(id) ?? 0) + amount;
    to.set(id, sum);
    return sum;
  };
  const watched: AttemptLayer = async function* watched(attempt, next) {
    const { id } = attempt.deployment;
    add(begun, id, 1);
    most.set(id, Math.max(most.get(id) ?? 0, add(now, id, 1)));
    try {
      return yield* next(attempt);
    } finally {
      add(now, id, -1);
    }
  };
  const gateway = await createGateway({
    plugins: [
      { name: "watch", providers: [mock()], sharedState: state, layers: { attempt: watched } },
      routing({ strategy: "priority", ...(queue && { queue: {} }) }),
      fallbacks({ cooldown: { disabled: true }, retryBudget: { minPerSecond: 1_000 } }),
    ],
    deployments: deployments.map((each, at) => ({
      id: `d${at}`,
      model: "m",
      provider: "mock",
      upstreamModel: "fixed",
      order: at,
      ...each,
    })),
  });
  return { gateway, state, most, begun };
}

const REQUEST = { model: "m", messages: [{ role: "user", content: "Hello." }] } as const;

async function askAll(gateway: Gateway, count: number): Promise<number> {
  const replies = await Promise.allSettled(Array.from({ length: count }, () => gateway.chat(REQUEST)));
  return replies.filter(({ status }) => status === "fulfilled").length;
}

test("retries keep within the places of a deployment", async () => {
  const { gateway, state, most } = await limitedGateway(
    [{ upstreamModel: "slow-5ms+fault-500-each-2", maxParallel: 2 }],
    true,
  );
  expect(await askAll(gateway, 20)).toBeGreaterThanOrEqual(15);
  expect(most.get("d0")).toBe(2);
  expect(state.sum("limits/running/d0")).toBe(0);
});

test("retries keep within the rate of a deployment", async () => {
  const { gateway, begun } = await limitedGateway([{ upstreamModel: "fault-500", rpm: 5 }], false);
  expect(await askAll(gateway, 20)).toBe(0);
  expect(begun.get("d0")).toBe(5);
});

test("deployments that fail stay within their places while calls go elsewhere", async () => {
  const { gateway, state, most } = await limitedGateway(
    [
      { upstreamModel: "slow-5ms+fault-500", maxParallel: 1 },
      { upstreamModel: "slow-5ms+fault-503-each-3", maxParallel: 2 },
      { upstreamModel: "slow-5ms", maxParallel: 3 },
    ],
    true,
  );
  expect(await askAll(gateway, 60)).toBe(60);
  expect([most.get("d0"), most.get("d1"), most.get("d2")]).toEqual([1, 2, 3]);
  for (const id of ["d0", "d1", "d2"]) expect(state.sum(`limits/running/${id}`)).toBe(0);
});

test.each([true, false])(
  "deployments that come last because they failed keep within theirs (queue: %o)",
  async (queue) => {
    const { gateway, state, most } = await limitedGateway(
      [
        { upstreamModel: "fault-500", maxRetries: 0 },
        { upstreamModel: "slow-2ms+fault-500", maxRetries: 0 },
        { upstreamModel: "slow-5ms+fault-503-each-2", maxParallel: 1, maxRetries: 0 },
      ],
      queue,
    );
    for (let round = 0; round < 10; round++) await askAll(gateway, 10);
    expect(most.get("d2")).toBe(1);
    expect(state.sum("limits/running/d2")).toBe(0);
  },
);
