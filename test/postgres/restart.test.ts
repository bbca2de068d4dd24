import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { BudgetLine, ReservationStore } from "@signalbox/kernel";
import { IdSource } from "@signalbox/kernel";
import { SpooledLedger } from "@signalbox/kernel/ledger";
import { postgresLedger } from "@signalbox/plugin-ledger-postgres";
import type { OwnServer } from "../chaos/money/own-servers.ts";
import { ownPostgres } from "../chaos/money/own-servers.ts";
import { newEntry, TEAM } from "./entries.ts";
import { opened, ownSchema } from "./opened.ts";

const root = mkdtempSync(join(tmpdir(), "restart-"));
const line: BudgetLine = { scope: TEAM, period: "all", limit: 1_000_000_000n };
let server: OwnServer;

beforeAll(async () => {
  chmodSync(root, 0o755);
  server = await ownPostgres(root);
}, 60_000);

afterAll(async () => {
  await server.stop();
  rmSync(root, { recursive: true, force: true });
});

describe("a PostgreSQL that is restarted under load", () => {
  it("has every attempt once afterwards, and nobody is let through meanwhile", { timeout: 60_000 }, async () => {
    const plugin = await opened({
      url: server.url,
      schema: ownSchema(),
      reservations: true,
      connectTimeoutMs: 500,
      statementTimeoutMs: 1_000,
    });
    const store = plugin.reservationStore as ReservationStore;
    const ledger = new SpooledLedger({ entries: plugin.entryStore, directory: join(root, "spool"), leaseMs: 2_000 });
    await ledger.start(store);
    const ids = new IdSource();
    let away = false;
    let ending = false;
    let admittedWhileAway = 0;
    let refused = 0;
    const spent = new Map<string, bigint>();
    const lane = async (): Promise<void> => {
      while (!ending) {
        const callId = ids.next();
        const id = `${callId}/1`;
        try {
          const before = away;
          await ledger.reserve({ id, estimate: 1_000n, lines: [line] });
          if (before && away) admittedWhileAway++;
          await ledger.dispatched(id);
        } catch (error) {
          expect(error).toMatchObject({ code: "ledger_unavailable" });
          refused++;
          await sleep(20);
          continue;
        }
        const billed = BigInt(1 + Math.floor(Math.random() * 999));
        spent.set(id, billed);
        await sleep(Math.random() * 30);
        void ledger.settle({ id, actual: billed, status: "final" });
        void ledger.append(newEntry({ id, callId, billed, cost: billed }));
      }
    };
    const lanes = Array.from({ length: 12 }, lane);
    for (let time = 0; time < 2; time++) {
      await sleep(1_000);
      await server.stop();
      away = true;
      await sleep(1_500);
      away = false;
      await server.start();
      const before = spent.size;
      await expect.poll(() => spent.size, { timeout: 10_000 }).toBeGreaterThan(before + 50);
    }
    ending = true;
    await Promise.all(lanes);
    expect(refused).toBeGreaterThan(0);
    expect(admittedWhileAway).toBe(0);
    const posted = [...spent.values()].reduce((sum, each) => sum + each, 0n);
    const whole = { billed: posted, pending: 0n, entries: spent.size };
    await expect.poll(() => ledger.health(), { timeout: 10_000 }).toEqual({ ok: true });
    await expect
      .poll(() => ledger.spent({ scope: TEAM, period: "all" }), { timeout: 10_000 })
      .toMatchObject({ billed: posted });
    await ledger.close();
    await plugin.maintain();
    const entries = await plugin.entryStore.list({ limit: 1_000_000 });
    // those whose reservation nobody could tell of are there with 0
    expect(entries.filter(({ id, billed }) => billed !== (spent.get(id) ?? 0n))).toEqual([]);
    expect(await plugin.entryStore.spent({ scope: TEAM })).toMatchObject({ billed: whole.billed });
    expect(await store.balance(line)).toEqual({ posted, pending: 0n });
    await plugin.close?.();
  });
});

describe("a PostgreSQL that is not there yet", () => {
  it("is waited for, where that is wanted", { timeout: 30_000 }, async () => {
    await server.stop();
    const waiting = postgresLedger({
      url: server.url,
      schema: ownSchema(),
      onUnreachable: "wait",
      connectTimeoutMs: 300,
    });
    const failing = postgresLedger({ url: server.url, schema: ownSchema(), connectTimeoutMs: 300 });
    const closed = postgresLedger({
      url: server.url,
      schema: ownSchema(),
      onUnreachable: "wait",
      connectTimeoutMs: 300,
    });
    await expect(failing.setup?.(undefined as never)).rejects.toMatchObject({
      code: "ledger_unavailable",
      message: expect.stringContaining("PostgreSQL cannot be reached"),
    });
    let there = false;
    const set = Promise.resolve(waiting.setup?.(undefined as never)).then(() => {
      there = true;
    });
    const given = Promise.resolve(closed.setup?.(undefined as never));
    const gone = expect(given).rejects.toMatchObject({ code: "ledger_unavailable" });
    await sleep(1_000);
    expect(there).toBe(false);
    // who is told to end does not wait for it
    await closed.close?.();
    await gone;
    await server.start();
    await set;
    await waiting.entryStore.append([newEntry()]);
    expect((await waiting.entryStore.spent({})).entries).toBe(1);
    for (const plugin of [waiting, failing]) await plugin.close?.();
  });
});
