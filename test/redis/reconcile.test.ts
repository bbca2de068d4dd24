import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { BudgetLine } from "@signalbox/kernel";
import { IdSource } from "@signalbox/kernel";
import type { LedgerEvent } from "@signalbox/kernel/ledger";
import { SpooledLedger } from "@signalbox/kernel/ledger";
import { newEntry, TEAM } from "../postgres/entries.ts";
import { opened as openedPostgres, ownSchema } from "../postgres/opened.ts";
import type { OwnDatabase } from "../services/index.ts";
import { createDatabase } from "../services/index.ts";
import { NOTHING, opened } from "./opened.ts";
import { OwnRedis } from "./own-redis.ts";

/** How long Redis is away; a minute is `OUTAGE_MS=60000`. */
const OUTAGE_MS = Number(process.env.OUTAGE_MS ?? 3_000);
const RECONCILE_MS = 300;
const line: BudgetLine = { scope: TEAM, period: "all", limit: 1_000_000n };
const COUNTER = `{signalbox:budgets}:line:["all","team","red"]`;

const root = mkdtempSync(join(tmpdir(), "reconcile-"));
const ended: (() => unknown)[] = [];
let database: OwnDatabase;

beforeAll(async () => {
  database = await createDatabase();
});
afterEach(async () => {
  for (const end of ended.splice(0).reverse()) await end();
});
afterAll(async () => {
  await database.drop();
  rmSync(root, { recursive: true, force: true });
});

function heard(): LedgerEvent[] {
  const events: LedgerEvent[] = [];
  const listener = (event: unknown): void => void events.push(event as LedgerEvent);
  subscribe("signalbox:ledger", listener);
  ended.push(() => unsubscribe("signalbox:ledger", listener));
  return events;
}

async function open(options: { readonly leaseMs?: number } = {}) {
  // its data outlives it
  const redis = await OwnRedis.start("--appendonly", "yes", "--appendfsync", "always");
  ended.push(() => redis.stop());
  const postgres = await openedPostgres({ url: database.url, schema: ownSchema() });
  ended.push(() => postgres.close?.());
  const plugin = await opened({ port: redis.port, timeoutMs: 200 });
  ended.push(() => plugin.close?.());
  const ledger = new SpooledLedger({
    entries: postgres.entryStore,
    directory: join(root, `${redis.port}`),
    reconcileMs: RECONCILE_MS,
    ...options,
  });
  await plugin.reservationStore.recover(NOTHING);
  await ledger.start(plugin.reservationStore);
  ended.push(() => ledger.close());
  return { redis, ledger, store: plugin.reservationStore };
}

const ids = new IdSource();

async function spend(ledger: SpooledLedger, billed: bigint): Promise<void> {
  const callId = ids.next();
  const id = `${callId}/1`;
  const { held } = await ledger.reserve({ id, estimate: 1_000n, lines: [line] });
  if (!held) throw new Error("the budget is large enough");
  await ledger.dispatched(id);
  await sleep(5);
  void ledger.settle({ id, actual: billed, status: "final" });
  void ledger.append(newEntry({ id, callId, billed, cost: billed }));
}

describe("counters in Redis that differ from entries in PostgreSQL", () => {
  it("are corrected in both directions, and that is told", { timeout: 30_000 }, async () => {
    const events = heard();
    const { redis, ledger, store } = await open();
    await spend(ledger, 700n);
    await expect.poll(() => store.balance(line)).toEqual({ posted: 700n, pending: 0n });
    for (const drift of [250n, -130n]) {
      await redis.command("HINCRBY", COUNTER, "posted", String(drift));
      await expect.poll(() => store.balance(line), { timeout: 10_000 }).toEqual({ posted: 700n, pending: 0n });
      expect(events).toContainEqual({
        kind: "drift",
        line: { scope: TEAM, period: "all" },
        difference: drift,
        corrected: true,
      });
    }
    await expect.poll(() => ledger.health()).toEqual({ ok: true });
    expect((await ledger.spent({ scope: TEAM, period: "all" })).billed).toBe(700n);
  });

  it("are told where what is reserved belongs to nobody", { timeout: 30_000 }, async () => {
    const events = heard();
    const { redis, ledger, store } = await open();
    await spend(ledger, 700n);
    await expect.poll(() => store.balance(line)).toEqual({ posted: 700n, pending: 0n });
    await redis.command("HINCRBY", COUNTER, "pending", "40");
    const told = { kind: "heldDrift", line: { scope: TEAM, period: "all" }, pending: 40n, held: 0n };
    await expect.poll(() => events, { timeout: 10_000 }).toContainEqual(told);
    await expect.poll(() => ledger.health().detail).toBe("1 counters of budgets differ from their entries");
    await redis.command("HINCRBY", COUNTER, "pending", "-40");
    await expect.poll(() => ledger.health(), { timeout: 10_000 }).toEqual({ ok: true });
  });

  it("has a hundred thousand of them compared in seconds", { timeout: 60_000 }, async () => {
    const { store } = await open();
    const lines = Array.from({ length: 100_000 }, (_, at): BudgetLine => {
      return { scope: { kind: "key", id: `k-${at}` }, period: "all", limit: null };
    });
    const before = performance.now();
    for (let at = 0; at < lines.length; at += 500) await store.balances(lines.slice(at, at + 500));
    expect(performance.now() - before).toBeLessThan(20_000);
  });
});

describe("a Redis that is away for a while", () => {
  it(`admits nothing under a hard budget meanwhile, and goes on with the same sums`, {
    timeout: OUTAGE_MS + 60_000,
  }, async () => {
    const { redis, ledger, store } = await open({ leaseMs: 2_000 });
    let away = false;
    let ending = false;
    let admittedMeanwhile = 0;
    let refused = 0;
    let spent = 0n;
    const lanes = Array.from({ length: 8 }, async () => {
      while (!ending) {
        const before = away;
        try {
          const billed = BigInt(1 + Math.floor(Math.random() * 9));
          await spend(ledger, billed);
          spent += billed;
          if (before && away) admittedMeanwhile++;
        } catch (error) {
          expect(error).toMatchObject({ code: "ledger_unavailable" });
          refused++;
          await sleep(20);
        }
        await sleep(5);
      }
    });
    await sleep(500);
    redis.pause();
    await sleep(50);
    away = true;
    await sleep(OUTAGE_MS);
    away = false;
    redis.resume();
    const before = spent;
    // without a restart of anything
    await expect.poll(() => spent, { timeout: 10_000 }).toBeGreaterThan(before);
    await sleep(500);
    ending = true;
    await Promise.all(lanes);
    expect(admittedMeanwhile).toBe(0);
    expect(refused).toBeGreaterThan(0);
    await expect.poll(() => store.balance(line), { timeout: 10_000 }).toEqual({ posted: spent, pending: 0n });
    await expect
      .poll(() => ledger.spent({ scope: TEAM, period: "all" }), { timeout: 10_000 })
      .toMatchObject({ billed: spent, pending: 0n });
    await sleep(3 * RECONCILE_MS);
    expect(ledger.health()).toEqual({ ok: true });
    expect(await store.checkHeld([line], 1_000)).toEqual({ differing: [], overdue: 0 });
  });
});
