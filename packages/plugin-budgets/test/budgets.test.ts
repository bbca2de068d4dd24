import { afterEach, describe, expect, it } from "vitest";
import type { BudgetRule, Gateway } from "@signalbox/kernel";
import { createGateway, GatewayError, NO_USAGE, replyOf } from "@signalbox/kernel";
import { budgets, SPEND_IN_MEMORY } from "@signalbox/plugin-budgets";
import type { TestGateway, TestGatewayParts } from "./support/test-gateway.ts";
import {
  accounts,
  answers,
  caller,
  chatResult,
  deployment,
  REQUEST,
  testGateway,
  WatchedLedger,
} from "./support/test-gateway.ts";
import { TestPricing } from "./support/test-pricing.ts";

const open: Gateway[] = [];
const usage = { inputTokens: 30, outputTokens: 7 };

async function start(parts: TestGatewayParts): Promise<TestGateway> {
  const started = await testGateway(parts);
  open.push(started.gateway);
  return started;
}

afterEach(async () => {
  for (const gateway of open.splice(0)) await gateway.close();
});

const wholeGateway = (limit: bigint | null, more: Partial<BudgetRule> = {}): BudgetRule => ({
  scope: { kind: "gateway", id: "gateway" },
  limit,
  ...more,
});

describe("an attempt", () => {
  it("reserves its bound, and settles what it has cost", async () => {
    const { gateway, ledger } = await start({ budgets: { budgets: [wholeGateway(5_000n)] }, script: answers(usage) });
    const { call, reply } = gateway.open({ operation: "chat", request: REQUEST });
    await reply.next();
    const id = `${call.id}/1`;
    expect(ledger.reserved[0]).toMatchObject({
      id,
      estimate: 1_030n,
      lines: [{ scope: { kind: "gateway", id: "gateway" }, period: "all", limit: 5_000n }],
      about: { callId: call.id, attempt: 1, operation: "chat", model: "m", deployment: "d", provider: "shop" },
    });
    expect(ledger.dispatchedIds).toEqual([id]);
    expect(ledger.ended).toEqual([{ id, actual: 100n, status: "final" }]);
    expect(call.trace.headers).toEqual(["x-signalbox-response-cost", "0.0000001"]);
  });

  it("stands in the ledger with who, what, and how its cost came about", async () => {
    const { gateway, ledger } = await start({ script: answers(usage) });
    await gateway.run({
      operation: "chat",
      request: REQUEST,
      principal: caller({ userId: "u", teamId: "t", organizationId: "o", tags: ["blue"], alias: "Ann's key" }),
      options: { endUserId: "c", sessionId: "s", tags: ["green", "blue"] },
    });
    const [entry] = ledger.entries;
    expect(entry).toMatchObject({
      attempt: 1,
      operation: "chat",
      model: "m",
      deployment: "d",
      provider: "shop",
      usage,
      cost: 100n,
      billed: 100n,
      costLines: [
        { kind: "input", units: 30, picoUsdPerUnit: 1_000n },
        { kind: "output", units: 7, picoUsdPerUnit: 10_000n },
      ],
      priceVersion: "test-1",
      status: "final",
      finishReason: "stop",
      tags: ["blue", "green"],
      metadata: { lane: "translated", upstreamModel: "m-1", alias: "Ann's key" },
    });
    expect(entry?.scopes.map(({ kind, id }) => `${kind} ${id}`)).toEqual([
      "gateway gateway",
      "organization o",
      "team t",
      "teamMember t/u",
      "user u",
      "key k-1",
      "customer c",
      "tag blue",
      "tag green",
      "session s",
      "provider shop",
      "deployment d",
    ]);
    expect((entry?.endedAt ?? 0) - (entry?.startedAt ?? 0)).toBeGreaterThanOrEqual(0);
    expect(entry?.errorCode).toBeUndefined();
  });

  it("that fails has its entry too, and the next one its own", async () => {
    const started = await start({
      deployments: [deployment("a"), deployment("b")],
      script: async function* (attempt) {
        if (attempt.deployment.id === "a") throw new GatewayError("provider_error", "boom");
        return yield* answers(usage)(attempt);
      },
    });
    await started.gateway.run({ operation: "chat", request: REQUEST });
    expect(accounts(started)).toEqual({ unended: [], twice: [], entries: ["1 estimated", "2 final"] });
    expect(started.ledger.entries[0]).toMatchObject({ deployment: "a", billed: 1_030n, errorCode: "provider_error" });
  });

  it.each([
    ["refused before it was sent", new GatewayError("unsupported_parameter", "no"), "void", 0n],
    ["an error reply", new GatewayError("provider_error", "no", { upstreamStatus: 500 }), "void", 0n],
    ["a rate limit", new GatewayError("provider_rate_limited", "no"), "void", 0n],
    [
      "no connection",
      new GatewayError("provider_error", "no", { cause: new Error("x", { cause: { code: "ECONNREFUSED" } }) }),
      "void",
      0n,
    ],
    [
      "a connection cut after sending",
      new GatewayError("provider_error", "no", { cause: new Error("x", { cause: { code: "ECONNRESET" } }) }),
      "estimated",
      1_030n,
    ],
    [
      "an answer under status 200 that is none",
      new GatewayError("provider_error", "no", { upstreamStatus: 200 }),
      "estimated",
      1_030n,
    ],
    ["a timeout", new GatewayError("timeout", "no"), "estimated", 1_030n],
    ["a bug", new TypeError("no"), "estimated", 1_030n],
  ])("that ends with %s", async (_what, error, status, billed) => {
    const started = await start({
      // biome-ignore lint/correctness/useYield: fails before its first event
      script: async function* () {
        throw error;
      },
    });
    await expect(started.gateway.run({ operation: "chat", request: REQUEST })).rejects.toThrow();
    expect(started.ledger.entries).toMatchObject([{ status, billed, usage: { inputTokens: 0, outputTokens: 0 } }]);
    expect(accounts(started)).toMatchObject({ unended: [], twice: [] });
  });

  it("whose reply tells no usage is never free", async () => {
    const started = await start({ script: answers({ inputTokens: 0, outputTokens: 0 }) });
    await started.gateway.run({ operation: "chat", request: REQUEST });
    expect(started.ledger.entries).toMatchObject([{ status: "estimated", billed: 1_030n }]);
  });

  it.each([
    ["searches that the result counts", 2, "final", 1_000n],
    ["searches that nothing counts", undefined, "estimated", 1_058n],
  ] as const)("is charged for %s", async (_what, searchUnits, status, billed) => {
    const ledger = new WatchedLedger();
    const rerank = () =>
      replyOf<"rerank">(() => ({
        id: "r",
        model: "m-1",
        results: [],
        usage: NO_USAGE,
        ...(searchUnits && { searchUnits }),
      }));
    const gateway = await createGateway({
      plugins: [
        { name: "shop", providers: [{ name: "shop", operations: { rerank } }], ledger, pricing: new TestPricing() },
        budgets(),
      ],
      deployments: [deployment("d")],
    });
    open.push(gateway);
    await gateway.run({ operation: "rerank", request: { model: "m", query: "to be or not to be?", documents: [] } });
    expect(ledger.entries).toMatchObject([{ operation: "rerank", status, billed }]);
  });

  it("that the caller leaves while it waits is estimated, as soon as it has ended", async () => {
    const started = await start({
      script: async function* ({ signal }) {
        return await new Promise<never>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
      },
    });
    const { reply, cancel } = started.gateway.open({ operation: "chat", request: REQUEST });
    const first = reply.next();
    await new Promise((resolve) => setTimeout(resolve, 10));
    cancel();
    await expect(first).rejects.toMatchObject({ code: "client_closed" });
    expect(accounts(started)).toEqual({ unended: [], twice: [], entries: ["1 estimated"] });
    expect(started.ledger.entries[0]).toMatchObject({ errorCode: "client_closed", billed: 1_030n });
  });

  it("that cost more than was set aside is posted in full", async () => {
    const started = await start({
      budgets: { budgets: [wholeGateway(1_500n)] },
      script: answers({ inputTokens: 30, outputTokens: 200 }),
    });
    await started.gateway.run({ operation: "chat", request: REQUEST });
    expect(started.ledger.ended).toMatchObject([{ actual: 2_030n }]);
    await expect(started.gateway.run({ operation: "chat", request: REQUEST })).rejects.toMatchObject({
      code: "budget_exceeded",
    });
  });
});

describe("a hard budget", () => {
  it("refuses what it does not cover, before anything is sent", async () => {
    const started = await start({
      budgets: { budgets: [wholeGateway(1_029n, { duration: "1mo", timezone: "Africa/Johannesburg" })] },
      script: answers(usage),
    });
    const failure = await started.gateway.run({ operation: "chat", request: REQUEST }).catch((error: unknown) => error);
    expect(failure).toMatchObject({
      code: "budget_exceeded",
      status: 429,
      type: "insufficient_quota",
      source: "budgets",
      // larger than the whole budget: no wait helps
      retryAfterMs: undefined,
      details: { scope: "gateway", limit: 0.000001029 },
    });
    expect(started.attempts).toEqual([]);
    expect(accounts(started)).toEqual({ unended: [], twice: [], entries: ["1 void"] });
    expect(started.ledger.entries[0]).toMatchObject({ errorCode: "budget_exceeded", billed: 0n });
  });

  it("says when the next period begins", async () => {
    const { gateway } = await start({
      budgets: { budgets: [wholeGateway(1_100n, { duration: "1mo", timezone: "Africa/Johannesburg" })] },
      script: answers(usage),
    });
    await gateway.run({ operation: "chat", request: REQUEST });
    const failure = (await gateway
      .run({ operation: "chat", request: REQUEST })
      .catch((error) => error)) as GatewayError;
    const now = new Date(Date.now() + 2 * 3_600_000);
    // midnight in Johannesburg is 22:00 UTC the day before, all year
    const resetAt = Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 1) - 2 * 3_600_000;
    expect(failure.details?.reset_at).toBe(new Date(resetAt).toISOString());
    expect(Math.abs((failure.retryAfterMs ?? 0) - (resetAt - Date.now()))).toBeLessThan(1_000);
  });

  it("without a period never comes back by waiting", async () => {
    const { gateway } = await start({ budgets: { budgets: [wholeGateway(1_100n)] }, script: answers(usage) });
    await gateway.run({ operation: "chat", request: REQUEST });
    const failure = await gateway.run({ operation: "chat", request: REQUEST }).catch((error: unknown) => error);
    expect(failure).toMatchObject({ retryAfterMs: undefined, details: { reset_at: null } });
  });

  it("of 0 lets nothing through that costs, and what is free passes", async () => {
    const started = await start({
      budgets: { budgets: [wholeGateway(0n)] },
      deployments: [deployment("paid"), deployment("local", { model: "l", upstreamModel: "free-1" })],
      script: answers(usage),
    });
    await expect(started.gateway.run({ operation: "chat", request: REQUEST })).rejects.toMatchObject({
      code: "budget_exceeded",
    });
    await started.gateway.run({ operation: "chat", request: { ...REQUEST, model: "l" } });
    expect(started.attempts.map(({ deployment: { id } }) => id)).toEqual(["local"]);
  });

  it("of null blocks nothing", async () => {
    const { gateway } = await start({ budgets: { budgets: [wholeGateway(null)] }, script: answers(usage) });
    await gateway.run({ operation: "chat", request: REQUEST });
  });

  it("lets the router go on to a deployment that it covers", async () => {
    const started = await start({
      budgets: { budgets: [{ scope: { kind: "deployment", id: "a" }, limit: 10n }] },
      deployments: [deployment("a"), deployment("b")],
      script: answers(usage),
    });
    await started.gateway.run({ operation: "chat", request: REQUEST });
    expect(accounts(started).entries).toEqual(["1 void", "2 final"]);
  });

  it("is raised for a time", async () => {
    const increase = { by: 100n, until: Date.now() + 60_000 };
    const { gateway } = await start({
      budgets: { budgets: [wholeGateway(1_000n, { increase })] },
      script: answers(usage),
    });
    await gateway.run({ operation: "chat", request: REQUEST });
    const over = await start({
      budgets: { budgets: [wholeGateway(1_000n, { increase: { by: 100n, until: Date.now() - 1 } })] },
      script: answers(usage),
    });
    await expect(over.gateway.run({ operation: "chat", request: REQUEST })).rejects.toMatchObject({
      code: "budget_exceeded",
    });
  });

  it("holds in each of its windows", async () => {
    const started = await start({
      budgets: { budgets: [wholeGateway(10_000n, { duration: "1d" }), wholeGateway(1_100n, { duration: "1mo" })] },
      script: answers(usage),
    });
    await started.gateway.run({ operation: "chat", request: REQUEST });
    expect(started.ledger.reserved[0]?.lines.map(({ limit }) => limit)).toEqual([10_000n, 1_100n]);
    await expect(started.gateway.run({ operation: "chat", request: REQUEST })).rejects.toMatchObject({
      details: { limit: 0.0000011 },
    });
  });

  it("refuses what has no price, or sets a flat amount aside", async () => {
    const deployments = [deployment("d", { upstreamModel: "odd-1" })];
    const script = answers(usage);
    const strict = await start({ budgets: { budgets: [wholeGateway(5_000n)] }, deployments, script });
    await expect(strict.gateway.run({ operation: "chat", request: REQUEST })).rejects.toMatchObject({
      code: "price_unknown",
      status: 400,
    });
    expect(strict.attempts).toEqual([]);
    expect(accounts(strict).entries).toEqual(["1 void"]);

    const flat = await start({ budgets: { budgets: [wholeGateway(5_000n)], unknownPrice: 400n }, deployments, script });
    await flat.gateway.run({ operation: "chat", request: REQUEST });
    expect(flat.ledger.reserved).toMatchObject([{ estimate: 400n }]);
    expect(flat.ledger.entries).toMatchObject([{ status: "estimated", billed: 400n }]);
  });

  it("is closed when the ledger cannot decide; without one calls go on", async () => {
    const outage = new GatewayError("ledger_unavailable", "down", { retryAfterMs: 1_000 });
    const hard = await start({ budgets: { budgets: [wholeGateway(5_000n)] }, script: answers(usage) });
    hard.ledger.outage = outage;
    await expect(hard.gateway.run({ operation: "chat", request: REQUEST })).rejects.toMatchObject({
      code: "ledger_unavailable",
      status: 503,
    });
    expect(hard.attempts).toEqual([]);
    const soft = await start({ budgets: { budgets: [wholeGateway(null, { soft: 10n })] }, script: answers(usage) });
    soft.ledger.outage = outage;
    await soft.gateway.run({ operation: "chat", request: REQUEST });
    await expect
      .poll(() => soft.gateway.health())
      .toEqual({
        ok: false,
        components: [{ name: "budgets", ok: false, detail: "the ledger refused the last entry" }],
      });
    soft.ledger.outage = undefined;
    await soft.gateway.run({ operation: "chat", request: REQUEST });
    await expect.poll(async () => (await soft.gateway.health()).ok).toBe(true);
  });
});

describe("without a hard budget", () => {
  it("an unknown price is recorded as unknown, never as nothing", async () => {
    const { gateway, ledger } = await start({
      deployments: [deployment("d", { upstreamModel: "odd-1" })],
      script: answers(usage),
    });
    await gateway.run({ operation: "chat", request: REQUEST });
    expect(ledger.entries).toMatchObject([
      { status: "estimated", usage, billed: 0n, metadata: { priceUnknown: true } },
    ]);
  });

  it("what the provider says it cost counts where no price is known", async () => {
    const { gateway, ledger } = await start({
      deployments: [deployment("d", { upstreamModel: "odd-1" })],
      script: answers({ ...usage, reportedCost: 77n }),
    });
    await gateway.run({ operation: "chat", request: REQUEST });
    expect(ledger.entries).toMatchObject([{ status: "final", cost: 77n, billed: 77n }]);
    expect(ledger.entries[0]?.metadata).not.toHaveProperty("priceUnknown");
  });
});

describe("a gateway", () => {
  const shop = { name: "shop", operations: { chat: answers(usage) } };

  it("without a ledger says so, keeps budgets in memory, and needs prices for hard ones", async () => {
    const plain = await createGateway({
      plugins: [{ name: "shop", providers: [shop] }, budgets()],
      deployments: [deployment("d")],
    });
    const { ok, components } = await plain.health();
    expect(ok).toBe(true);
    expect(components[0]?.detail).toContain("no prices are known");
    expect(components[0]?.detail).toContain(SPEND_IN_MEMORY);
    await plain.close();

    await expect(
      createGateway({
        plugins: [{ name: "shop", providers: [shop] }, budgets({ budgets: [wholeGateway(5_000n)] })],
        deployments: [deployment("d")],
      }),
    ).rejects.toMatchObject({ code: "plugin_requirement_missing", source: "budgets" });

    const gateway = await createGateway({
      plugins: [
        { name: "shop", providers: [shop], pricing: new TestPricing() },
        budgets({ budgets: [wholeGateway(1_130n)] }),
      ],
      deployments: [deployment("d")],
    });
    open.push(gateway);
    await gateway.run({ operation: "chat", request: REQUEST });
    await gateway.run({ operation: "chat", request: REQUEST });
    await expect(gateway.run({ operation: "chat", request: REQUEST })).rejects.toMatchObject({
      code: "budget_exceeded",
    });
  });

  it("that closes ends what nobody reads any more, once", async () => {
    const started = await start({
      script: async function* () {
        yield { type: "replyStart", id: "r", model: "m-1", createdAt: 1 };
        yield { type: "partStart", choice: 0, index: 0, part: { type: "text", text: "abcd" } };
        return chatResult(usage);
      },
    });
    const { reply } = started.gateway.open({ operation: "chat", request: { ...REQUEST, stream: true } });
    await reply.next();
    await reply.next();
    await started.budgets.close?.();
    // 30 bytes of input, 4 bytes of text and 16 unseen tokens at 10
    expect(accounts(started)).toEqual({ unended: [], twice: [], entries: ["1 counted"] });
    expect(started.ledger.entries[0]).toMatchObject({ errorCode: "client_closed", billed: 230n });
    await reply.next();
    expect(accounts(started)).toEqual({ unended: [], twice: [], entries: ["1 counted"] });
  });
});
