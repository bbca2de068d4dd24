import { cpSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { BudgetLine, Entry, EntryStore } from "@signalbox/kernel";
import { IdSource, isGatewayError } from "@signalbox/kernel";
import { SpooledLedger } from "@signalbox/kernel/ledger";
import { postgresLedger } from "@signalbox/plugin-ledger-postgres";
import type { RedisPlugin } from "@signalbox/plugin-redis";
import type { OwnDatabase } from "../services/index.ts";
import { createDatabase } from "../services/index.ts";
import { opened } from "./opened.ts";
import { OwnRedis } from "./own-redis.ts";
import { soon } from "./soon.ts";

const LIMIT = 1_000_000n;
const LINE: BudgetLine = { scope: { kind: "key", id: "k-1" }, period: "all", limit: LIMIT };
const WIDE: BudgetLine = { scope: { kind: "organization", id: "o" }, period: "2026-11", limit: null };
const PROCESSES = 3;

const ids = new IdSource();
let database: OwnDatabase;
let folder: string;
const ended: (() => unknown)[] = [];

beforeAll(async () => {
  database = await createDatabase();
  folder = mkdtempSync(join(tmpdir(), "rebuild-"));
});
afterEach(async () => {
  for (const end of ended.splice(0).reverse()) await end();
});
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await database.drop();
});

interface Process {
  readonly ledger: SpooledLedger;
  readonly redis: RedisPlugin;
  readonly entries: EntryStore;
}

async function start(own: OwnRedis, name: string): Promise<Process> {
  const postgres = postgresLedger({ url: database.url, schema: name, pool: 4 });
  await postgres.setup?.(undefined as never);
  const redis = await opened({ port: own.port, timeoutMs: 500, rebuildAfterMs: 2_000 });
  const ledger = new SpooledLedger({
    entries: postgres.entryStore,
    directory: join(folder, name),
    durability: "none",
    leaseMs: 20_000,
  });
  await ledger.start(redis.reservationStore);
  ended.push(async () => {
    await ledger.close();
    await postgres.close?.();
    await redis.close?.();
  });
  return { ledger, redis, entries: postgres.entryStore };
}

function entryOf(id: string, billed: bigint, lines: readonly BudgetLine[]): Entry {
  return {
    id,
    callId: id.slice(0, -2),
    attempt: 1,
    operation: "chat",
    model: "m",
    deployment: "d",
    provider: "p",
    scopes: lines.map(({ scope }) => scope),
    usage: { inputTokens: 1, outputTokens: 1 },
    cost: billed,
    billed,
    status: "final",
    startedAt: Date.now(),
    endedAt: Date.now(),
  };
}

/** Attempts that the provider would have charged. */
class Traffic {
  readonly #processes: readonly Process[];
  charged = 0n;
  refused = 0;
  #running = true;
  readonly #clients: readonly Promise<void>[];

  constructor(processes: readonly Process[], clients: number) {
    this.#processes = processes;
    this.#clients = Array.from({ length: clients }, (_, index) => this.#client(index));
  }

  async end(): Promise<void> {
    this.#running = false;
    await Promise.all(this.#clients);
  }

  async #client(index: number): Promise<void> {
    const { ledger } = this.#processes[index % this.#processes.length] as Process;
    while (this.#running) {
      await this.#attempt(ledger).catch((thrown: unknown) => {
        if (!isGatewayError(thrown) || thrown.code !== "ledger_unavailable") throw thrown;
        this.refused++;
      });
      await sleep(5);
    }
  }

  async #attempt(ledger: SpooledLedger): Promise<void> {
    const id = `${ids.next(Date.now())}/1`;
    const estimate = 100n + BigInt(Math.floor(Math.random() * 400));
    const { held } = await ledger.reserve({ id, estimate, lines: [LINE, WIDE] });
    if (!held) return;
    await ledger.dispatched(id);
    const actual = (estimate * BigInt(20 + Math.floor(Math.random() * 80))) / 100n;
    this.charged += actual;
    await sleep(Math.random() * 20);
    // nobody waits for the ledger
    void ledger.settle({ id, actual, status: "final" });
    void ledger.append(entryOf(id, actual, [LINE, WIDE]));
  }
}

describe("a Redis that loses everything under load", () => {
  it.each([
    ["wiped", "wiped", async (own: OwnRedis) => void (await own.command("FLUSHALL"))],
    [
      "killed and started again empty",
      "restarted",
      async (own: OwnRedis) => {
        await own.kill();
        await sleep(500);
        await own.start();
      },
    ],
  ])(
    "%s: is closed, rebuilt once with the same sums, and used again without a restart",
    async (_name, name, lose) => {
      const own = await OwnRedis.start();
      ended.push(() => own.stop());
      const processes: Process[] = [];
      for (let at = 0; at < PROCESSES; at++) processes.push(await start(own, name));
      const traffic = new Traffic(processes, 24);
      await sleep(800);
      const [first] = processes as [Process];
      // one that is under way all the time
      const long = `${ids.next(Date.now())}/1`;
      await first.ledger.reserve({ id: long, estimate: 777n, lines: [LINE] });
      await first.ledger.dispatched(long);
      await lose(own);
      await expect(first.ledger.reserve({ id: "x/1", estimate: 1n, lines: [LINE] })).rejects.toMatchObject({
        code: "ledger_unavailable",
        retryAfterMs: expect.any(Number),
      });
      await soon("the rebuild", async () => (await first.redis.reservationStore.generation()) !== undefined, 15_000);
      expect((await first.redis.reservationStore.balance(LINE)).pending).toBeGreaterThanOrEqual(777n);
      const refused = traffic.refused;
      expect(refused).toBeGreaterThan(0);
      const before = traffic.charged;
      await soon("calls to be served again", () => traffic.charged > before + 5_000n, 10_000);
      await traffic.end();
      await first.ledger.settle({ id: long, actual: 77n, status: "final" });
      await first.ledger.append(entryOf(long, 77n, [LINE]));
      await soon("the ledgers to say that all is well", () => processes.every(({ ledger }) => ledger.health().ok));
      const charged = traffic.charged + 77n;
      await soon(
        "everything to be written",
        async () => (await first.entries.spent({ scope: LINE.scope, period: "all" })).billed === charged,
        10_000,
      );
      await soon(
        "nothing to be pending",
        async () => (await first.redis.reservationStore.balance(LINE)).pending === 0n,
        10_000,
      );
      expect(await first.redis.reservationStore.balance(LINE)).toEqual({ posted: charged, pending: 0n });
      expect(await first.redis.reservationStore.balance(WIDE)).toEqual({ posted: traffic.charged, pending: 0n });
    },
    60_000,
  );
});

describe("a spool that is replayed after Redis has forgotten its ids", () => {
  it("posts nothing twice: the entries are asked first", async () => {
    const own = await OwnRedis.start();
    ended.push(() => own.stop());
    const { ledger, redis, entries } = await start(own, "forgotten");
    const id = `${ids.next(Date.now())}/1`;
    await ledger.reserve({ id, estimate: 50n, lines: [LINE] });
    await ledger.dispatched(id);
    await ledger.settle({ id, actual: 20n, status: "final" });
    await ledger.append(entryOf(id, 20n, [LINE]));
    const [name = ""] = readdirSync(join(folder, "forgotten")).filter((each) => !each.endsWith(".lock"));
    const late = join(folder, "late");
    cpSync(join(folder, "forgotten", name), join(late, name), { recursive: true });
    expect(await own.command("DEL", `{signalbox:budgets}:id:${id}`)).toBe(1);
    const next = new SpooledLedger({ entries, directory: late, durability: "none" });
    await next.start(redis.reservationStore);
    expect(await redis.reservationStore.balance(LINE)).toEqual({ posted: 20n, pending: 0n });
    expect((await entries.spent({ scope: LINE.scope, period: "all" })).entries).toBe(1);
    // it was replayed indeed
    expect(await own.command("EXISTS", `{signalbox:budgets}:id:${id}`)).toBe(1);
    await next.close();
  });
});
