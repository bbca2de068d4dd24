import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { BudgetRule, Gateway } from "@signalbox/kernel";
import { answers, deployment, REQUEST, testGateway } from "./support/test-gateway.ts";

const open: Gateway[] = [];
const budgetEvents: unknown[] = [];
const spendEvents: unknown[] = [];
const onBudget = (event: unknown): void => void budgetEvents.push(event);
const onSpend = (event: unknown): void => void spendEvents.push(event);
/** 100 nano-dollars a call. */
const script = answers({ inputTokens: 30, outputTokens: 7 });
const scope = { kind: "gateway", id: "gateway" };

beforeEach(() => {
  subscribe("signalbox:budget", onBudget);
  subscribe("signalbox:spend", onSpend);
});

afterEach(async () => {
  unsubscribe("signalbox:budget", onBudget);
  unsubscribe("signalbox:spend", onSpend);
  budgetEvents.length = 0;
  spendEvents.length = 0;
  for (const gateway of open.splice(0)) await gateway.close();
});

async function start(rules: readonly BudgetRule[], model = "m-1"): Promise<() => Promise<void>> {
  const { gateway } = await testGateway({
    budgets: { budgets: rules, thresholds: [0.05, 0.1] },
    deployments: [deployment("d", { upstreamModel: model })],
    script,
  });
  open.push(gateway);
  return async () => {
    await gateway.run({ operation: "chat", request: REQUEST });
    await new Promise((resolve) => setTimeout(resolve, 260));
  };
}

it("tells of each threshold once, and of the soft budget", async () => {
  const call = await start([{ scope, limit: 2_000n, soft: 250n }]);
  await call();
  const event = { scope, period: "all", limit: 2_000n };
  expect(budgetEvents).toEqual([{ ...event, spent: 100n, threshold: 0.05 }]);
  await call();
  expect(budgetEvents.slice(1)).toEqual([{ ...event, spent: 200n, threshold: 0.1 }]);
  await call();
  expect(budgetEvents.slice(2)).toEqual([{ ...event, limit: 250n, spent: 300n, threshold: "soft" }]);
  await call();
  expect(budgetEvents).toHaveLength(3);
});

it("a soft budget tells, and blocks nothing", async () => {
  const call = await start([{ scope, limit: null, soft: 150n }]);
  await call();
  expect(budgetEvents).toEqual([]);
  await call();
  await call();
  expect(budgetEvents).toEqual([{ scope, period: "all", limit: 150n, spent: 200n, threshold: "soft" }]);
});

it("tells of entries without a known price", async () => {
  const call = await start([], "odd-1");
  await call();
  expect(spendEvents).toMatchObject([{ kind: "priceUnknown", deployment: "d", model: "m" }]);
});
