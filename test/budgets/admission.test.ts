import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import type { Call, Guardrail, LimitAnswer, LimitRule, LimitStore, LimitTake, Plugin } from "@signalbox/kernel";
import { MemoryLimits, Secret } from "@signalbox/kernel";
import { fallbacks } from "@signalbox/plugin-fallbacks";
import { limits } from "@signalbox/plugin-limits";
import type { BilledGateway, BilledOptions } from "./billed-gateway.ts";
import { billedGateway } from "./billed-gateway.ts";

/** Limits that answer as late as those of another machine, and note what they are told. */
class FarLimits implements LimitStore {
  readonly #near = new MemoryLimits();
  readonly events: string[] = [];
  delayMs = 30;

  async take(id: string, takes: readonly LimitTake[], leaseMs: number): Promise<LimitAnswer> {
    this.events.push("asked");
    await sleep(this.delayMs);
    const answer = this.#near.take(id, takes, leaseMs);
    this.events.push(answer.allowed ? "allowed" : "denied");
    return answer;
  }

  async release(...words: Parameters<LimitStore["release"]>): Promise<void> {
    this.events.push("released");
    await this.#near.release(...words);
  }

  async renew(...words: Parameters<LimitStore["renew"]>): Promise<void> {
    await this.#near.renew(...words);
  }
}

const open: BilledGateway[] = [];

afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
});

interface Started {
  readonly billed: BilledGateway;
  readonly far: FarLimits;
}

const LIMITS: readonly LimitRule[] = [
  { scope: { kind: "key", id: "id-ann" }, requestsPerMinute: 1, tokensPerMinute: 1_000, parallel: 5 },
];

async function start(
  budget: bigint,
  more: readonly Plugin[] = [],
  deployments?: BilledOptions["deployments"],
): Promise<Started> {
  const far = new FarLimits();
  const billed = await billedGateway({
    principals: {
      ann: { limits: LIMITS, budgets: [{ scope: { kind: "key", id: "id-ann" }, limit: budget }] },
    },
    plugins: [limits({ store: far }), fallbacks({}), ...more],
    ...(deployments !== undefined && { deployments }),
  });
  open.push(billed);
  const reserve = billed.ledger.reserve.bind(billed.ledger);
  billed.ledger.reserve = (request) => {
    far.events.push("reserved");
    return reserve(request);
  };
  return { billed, far };
}

const PLENTY = 1_000_000_000n;

describe("limits that are asked along with the budget", () => {
  it("are asked before the reservation, which does not wait for them; nothing is sent before both", async () => {
    const { billed, far } = await start(PLENTY);
    const response = await billed.post("ann", {});
    expect(response.status).toBe(200);
    expect(response.headers.get("x-ratelimit-remaining-requests")).toBe("0");
    expect(far.events.slice(0, 3)).toEqual(["asked", "reserved", "allowed"]);
    await expect.poll(() => far.events).toContain("released");
  });

  it("that deny leave no reservation, and nothing is sent", async () => {
    const { billed, far } = await start(PLENTY);
    await (await billed.post("ann", {})).text();
    const denied = await billed.post("ann", {});
    expect(denied.status).toBe(429);
    expect(((await denied.json()) as { error: { code: string } }).error.code).toBe("rate_limit_exceeded");
    expect(Number(denied.headers.get("retry-after"))).toBeGreaterThan(50);
    expect(denied.headers.get("x-signalbox-model-id")).toBeNull();
    expect(far.events.at(-1)).toBe("denied");
    expect(billed.upstream.calls).toBe(1);
    await expect.poll(() => billed.ledger.open.size).toBe(0);
    expect(billed.ledger.entries.map(({ status }) => status)).toEqual(["final"]);
    expect((await billed.ledger.spent({})).pending).toBe(0n);
  });

  it("get back what they gave when the budget denies; their own denial comes first", async () => {
    const { billed, far } = await start(1n);
    for (const code of ["budget_exceeded", "budget_exceeded"]) {
      const denied = await billed.post("ann", {});
      expect(((await denied.json()) as { error: { code: string } }).error.code).toBe(code);
      await expect.poll(() => far.events.at(-1)).toBe("released");
    }
    expect(billed.upstream.calls).toBe(0);
    const { billed: both } = await start(1_000_000n);
    await (await both.post("ann", {})).text();
    const second = await both.post("ann", { messages: [{ role: "user", content: "a".repeat(2_000) }] });
    expect(((await second.json()) as { error: { code: string } }).error.code).toBe("rate_limit_exceeded");
  });

  it("get back what they gave when the client leaves before they have answered", async () => {
    const { billed, far } = await start(PLENTY);
    far.delayMs = 200;
    const leaving = new AbortController();
    const left = billed.post("ann", {}, leaving.signal).catch(() => undefined);
    await expect.poll(() => far.events).toContain("reserved");
    leaving.abort();
    await left;
    await expect.poll(() => far.events.at(-1)).toBe("released");
    await expect.poll(() => billed.ledger.open.size).toBe(0);
    expect(billed.upstream.calls).toBe(0);
    expect(billed.gateway.activeCalls).toBe(0);
  });

  it("do not make a deployment look ill, and no other one is tried", async () => {
    const { billed } = await start(PLENTY, [], (url) =>
      ["d-1", "d-2"].map((id) => ({
        id,
        model: "m",
        provider: "openai",
        upstreamModel: "m-1",
        baseUrl: `${url}/v1`,
        apiKey: new Secret("sk-upstream-0123456789"),
        info: { inputCostPerToken: 0.000001, outputCostPerToken: 0.000002, maxOutputTokens: 50 },
      })),
    );
    await (await billed.post("ann", {})).text();
    for (let count = 0; count < 10; count++) expect((await billed.post("ann", {})).status).toBe(429);
    expect(billed.ledger.entries.filter(({ attempt }) => attempt > 1)).toEqual([]);
    expect(billed.upstream.calls).toBe(1);
  });

  it("come before an error that needs no store", async () => {
    const { billed } = await start(PLENTY);
    await (await billed.post("ann", {})).text();
    expect((await billed.post("ann", { model: "unknown" })).status).toBe(429);
  });
});

describe("what acts on a call before the router", () => {
  it("is asked only once the call is admitted", async () => {
    const asked: Call[] = [];
    const guardrail: Guardrail = {
      name: "watcher",
      checkRequest: async (call) => {
        asked.push(call);
        return { action: "allow" };
      },
    };
    const { billed, far } = await start(PLENTY, [{ name: "guard", guardrails: [guardrail] }]);
    await (await billed.post("ann", {})).text();
    expect(far.events.slice(0, 3)).toEqual(["asked", "allowed", "reserved"]);
    expect((await billed.post("ann", {})).status).toBe(429);
    expect(asked).toHaveLength(1);
  });

  it("does not answer in place of a denial", async () => {
    const answer: Plugin = {
      name: "quick",
      layers: {
        // a layer of the same stage may answer at once; nothing leaves before the limits have answered
        // biome-ignore lint/correctness/useYield: it answers as a whole
        admit: async function* quick() {
          return { choices: [], usage: { inputTokens: 0, outputTokens: 0 } } as never;
        },
      },
    };
    const { billed, far } = await start(PLENTY, [answer]);
    expect((await billed.post("ann", {})).status).toBe(200);
    const sentAt = performance.now();
    expect((await billed.post("ann", {})).status).toBe(429);
    expect(performance.now() - sentAt).toBeGreaterThan(25);
    expect(far.events.filter((event) => event === "denied")).toHaveLength(1);
  });
});
