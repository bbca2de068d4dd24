import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import type { BudgetRule, Principal, Scope } from "@signalbox/kernel";
import { fallbacks } from "@signalbox/plugin-fallbacks";
import type { BilledGateway, BilledOptions } from "./billed-gateway.ts";
import { billedGateway, PRICES, paid } from "./billed-gateway.ts";

const open: BilledGateway[] = [];

async function start(options: BilledOptions): Promise<BilledGateway> {
  const started = await billedGateway(options);
  open.push(started);
  return started;
}

afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
});

const user = (content: string): Record<string, unknown> => ({ messages: [{ role: "user", content }] });

/** Everything has ended: every reservation once, every attempt with one entry. */
async function settled({ ledger }: BilledGateway): Promise<void> {
  await expect.poll(() => ledger.open.size, { timeout: 10_000 }).toBe(0);
  expect([...ledger.ends.values()].filter((times) => times !== 1)).toEqual([]);
  expect(new Set(ledger.entries.map(({ id }) => id)).size).toBe(ledger.entries.length);
}

const sumOf = ({ ledger }: BilledGateway): bigint => ledger.entries.reduce((sum, { billed }) => sum + billed, 0n);

const LIMIT = 5_000_000n;

const SCOPES: readonly (readonly [Scope, Partial<Principal>, Record<string, unknown>])[] = [
  [{ kind: "gateway", id: "gateway" }, {}, {}],
  [{ kind: "key", id: "id-ann" }, {}, {}],
  [{ kind: "team", id: "t" }, { teamId: "t" }, {}],
  [{ kind: "customer", id: "*" }, {}, { user: "c-1" }],
  [{ kind: "session", id: "*" }, {}, { litellm_session_id: "s-1" }],
];

describe("1,000 calls at once never cost more than the budget of", () => {
  it.each(SCOPES)("%o", { timeout: 60_000 }, async (scope, principal, body) => {
    const rule: BudgetRule = { scope, limit: LIMIT, duration: "1d" };
    const one = await start({ principals: { ann: principal }, budgets: { budgets: [rule] } });
    const statuses = new Map<number, number>();
    await Promise.all(
      Array.from({ length: 1_000 }, async (_, index) => {
        const stream = index % 2 === 0;
        const leave = new AbortController();
        try {
          const response = await one.post(
            "ann",
            { ...user(`words=${5 + (index % 40)} gap=${index % 3}`), ...body, stream },
            leave.signal,
          );
          statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1);
          if (index % 5 === 0) setTimeout(() => leave.abort(), index % 20);
          await response.text();
        } catch {
          // it has left
        }
      }),
    );
    await settled(one);
    expect(one.upstream.bill).toBeLessThanOrEqual(LIMIT);
    expect(sumOf(one)).toBeLessThanOrEqual(LIMIT);
    expect(sumOf(one)).toBeGreaterThanOrEqual(one.upstream.bill);
    expect(statuses.get(200)).toBeGreaterThan(20);
    expect(statuses.get(429)).toBeGreaterThan(20);
    expect([...statuses.keys()].sort()).toEqual([200, 429]);
    // every call that got through has one entry at a cost, every refused one an empty one
    const sent = one.ledger.entries.filter(({ errorCode }) => errorCode !== "budget_exceeded");
    expect(sent.length).toBe(one.upstream.calls);
  });
});

describe("a stream that its reader leaves", () => {
  it("after any of its pieces is charged at least what the vendor counts, and less than its estimate", async () => {
    const info = { ...PRICES, maxOutputTokens: 400 };
    const one = await start({ principals: { ann: {} }, deployments: (url) => [paid("d", url, { info })] });
    for (let pieces = 1; pieces <= 12; pieces++) {
      const before = one.upstream.bill;
      const leave = new AbortController();
      const response = await one.post("ann", { ...user("words=40 gap=4"), stream: true }, leave.signal);
      const reader = response.body?.getReader();
      for (let at = 0; at < pieces; at++) await reader?.read();
      leave.abort();
      await reader?.closed.catch(() => undefined);
      await expect.poll(() => one.ledger.entries.length).toBe(pieces);
      await settled(one);
      await new Promise((resolve) => setTimeout(resolve, 20));
      const entry = one.ledger.entries.at(-1);
      expect(entry).toMatchObject({ status: "counted", errorCode: "client_closed", metadata: { lane: "native" } });
      expect(entry?.billed).toBeGreaterThanOrEqual(one.upstream.bill - before);
      // four hundred tokens might have come; forty words have two hundred bytes, and sixteen tokens are added
      expect(entry?.billed).toBeLessThan(one.ledger.estimates.get(entry?.id ?? "") ?? 0n);
    }
  });

  it("costs what the vendor says once it is complete", async () => {
    const one = await start({ principals: { ann: {} } });
    const response = await one.post("ann", { ...user("words=10"), stream: true });
    expect(await response.text()).toContain("[DONE]");
    await settled(one);
    expect(one.ledger.entries).toMatchObject([{ status: "final", billed: one.upstream.bill }]);
  });
});

it("a plain call that is left is estimated, and told with its cost when it is not", async () => {
  const one = await start({ principals: { ann: {} } });
  const leave = new AbortController();
  const left = one.post("ann", user("wait=2000"), leave.signal);
  await expect.poll(() => one.upstream.calls).toBe(1);
  leave.abort();
  await expect(left).rejects.toThrow();
  await settled(one);
  await expect.poll(() => one.ledger.entries.length).toBe(1);
  expect(one.ledger.entries[0]).toMatchObject({ status: "estimated", errorCode: "client_closed" });
  expect(one.ledger.entries[0]?.billed).toBeGreaterThanOrEqual(one.upstream.bill);
  const before = one.upstream.bill;
  const response = await one.post("ann", user("words=10"));
  expect(response.headers.get("x-signalbox-response-cost")).toBe(
    `0.${String(one.upstream.bill - before).padStart(9, "0")}`.replace(/0+$/, ""),
  );
});

it("over budget a chain leads to a local model that costs nothing", async () => {
  const limit = 400_000n;
  const one = await start({
    principals: { ann: { teamId: "t" } },
    budgets: { budgets: [{ scope: { kind: "team", id: "t" }, limit, duration: "1mo" }] },
    plugins: [fallbacks({ budgetFallbacks: { m: ["local"] }, retries: 2 })],
    deployments: (url) => [
      paid("cloud", url),
      paid("ollama", url, { model: "local", info: { ...PRICES, inputCostPerToken: 0, outputCostPerToken: 0 } }),
    ],
  });
  for (let call = 0; call < 5; call++) expect((await one.post("ann", user("words=30"))).status).toBe(200);
  await settled(one);
  const by = (id: string): number =>
    one.ledger.entries.filter(({ deployment, errorCode }) => deployment === id && errorCode === undefined).length;
  expect(by("cloud")).toBeGreaterThan(0);
  expect(by("ollama")).toBeGreaterThan(0);
  expect(by("cloud") + by("ollama")).toBe(5);
  expect(sumOf(one)).toBeLessThanOrEqual(limit);
});

it("both sides of a hedge have their entry, and the loser is counted", async () => {
  const one = await start({
    principals: { ann: {} },
    plugins: [fallbacks({ hedge: { minMs: 10, maxMs: 20, maxShare: 1 } })],
    deployments: (url) => [paid("one", url), paid("two", url)],
  });
  // so that it is known how long they take
  for (let call = 0; call < 60; call++) await (await one.post("ann", user("words=5"))).text();
  for (let call = 0; call < 5; call++) await (await one.post("ann", user("words=5 wait=80"))).text();
  await settled(one);
  const { calls } = one.upstream;
  expect(calls).toBeGreaterThan(65);
  const { entries } = one.ledger;
  // one whose rival has answered before it was sent is void; one that was sent may be broken off before it is received
  const sent = entries.filter(({ status }) => status !== "void");
  expect(sent.length).toBeGreaterThanOrEqual(calls);
  expect(entries.filter(({ metadata }) => metadata?.purpose === "hedge").length).toBe(entries.length - 65);
  expect(entries.filter(({ status }) => status === "estimated").length).toBe(sent.length - 65);
  expect(sumOf(one)).toBeGreaterThanOrEqual(one.upstream.bill);
});

it("any mixture of calls leaves nothing reserved and keeps every budget", { timeout: 60_000 }, async () => {
  const call = fc.record({
    stream: fc.boolean(),
    words: fc.integer({ min: 1, max: 60 }),
    gap: fc.integer({ min: 0, max: 2 }),
    maxTokens: fc.option(fc.integer({ min: 1, max: 60 }), { nil: undefined }),
    status: fc.constantFrom(200, 200, 200, 429, 500),
    leaveMs: fc.option(fc.integer({ min: 0, max: 15 }), { nil: undefined }),
    caller: fc.constantFrom("ann", "bob"),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(call, { minLength: 1, maxLength: 30 }), async (calls) => {
      const limit = 1_000_000n;
      const one = await billedGateway({
        principals: { ann: {}, bob: { budgets: [{ scope: { kind: "key", id: "id-bob" }, limit: 200_000n }] } },
        budgets: { budgets: [{ scope: { kind: "gateway", id: "gateway" }, limit }] },
        plugins: [fallbacks({ retries: 0 })],
        deployments: (url) => [paid("one", url), paid("two", url)],
      });
      try {
        await Promise.all(
          calls.map(async ({ stream, words, gap, maxTokens, status, leaveMs, caller }) => {
            const signal = leaveMs === undefined ? undefined : AbortSignal.timeout(leaveMs);
            const body = { ...user(`words=${words} gap=${gap} status=${status}`), stream, max_tokens: maxTokens };
            try {
              await (await one.post(caller, body, signal)).text();
            } catch {
              // it has left
            }
          }),
        );
        await expect.poll(() => one.gateway.activeCalls).toBe(0);
        await settled(one);
        const ofBob = one.ledger.entries.filter(({ scopes }) => scopes.some(({ id }) => id === "id-bob"));
        expect(ofBob.reduce((sum, { billed }) => sum + billed, 0n)).toBeLessThanOrEqual(200_000n);
        expect(sumOf(one)).toBeLessThanOrEqual(limit);
        expect(sumOf(one)).toBeGreaterThanOrEqual(one.upstream.bill);
      } finally {
        await one.close();
      }
    }),
    { numRuns: 12 },
  );
});
