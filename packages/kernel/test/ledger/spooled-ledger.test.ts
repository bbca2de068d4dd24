import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { BudgetLine, Entry, EntryStore, Ledger } from "@signalbox/kernel";
import { GatewayError } from "@signalbox/kernel";
import { MemoryEntries, MemoryReservations, SpooledLedger } from "@signalbox/kernel/ledger";
import { testLedger } from "@signalbox/kernel/testkit";

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "spooled-"));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

async function started(options: Partial<ConstructorParameters<typeof SpooledLedger>[0]> = {}): Promise<SpooledLedger> {
  const ledger = new SpooledLedger({ entries: new MemoryEntries(), flushMs: 1, ...options });
  await ledger.start(new MemoryReservations());
  return ledger;
}

describe("in memory", () => {
  testLedger({
    runner: { describe, it },
    ledger: () => started(),
    unreachable: () => new SpooledLedger({ entries: new MemoryEntries() }),
    capabilities: { durable: false },
  });
});

describe("with a spool", () => {
  let count = 0;
  const stores = new WeakMap<Ledger, { entries: MemoryEntries; reservations: MemoryReservations; directory: string }>();
  async function open(
    entries: MemoryEntries,
    reservations: MemoryReservations,
    directory: string,
  ): Promise<SpooledLedger> {
    const ledger = new SpooledLedger({ entries, directory, flushMs: 1, durability: "none" });
    await ledger.start(reservations);
    stores.set(ledger, { entries, reservations, directory });
    return ledger;
  }
  testLedger({
    runner: { describe, it },
    ledger: () => open(new MemoryEntries(), new MemoryReservations(), join(root, `s${count++}`)),
    reopen: async (before) => {
      await before.close?.();
      const kept = stores.get(before);
      if (kept === undefined) throw new Error("not one of these");
      return await open(kept.entries, kept.reservations, kept.directory);
    },
    unreachable: () => new SpooledLedger({ entries: new MemoryEntries() }),
  });
});

const line = (limit: bigint | null): BudgetLine => ({ scope: { kind: "key", id: "k" }, period: "all", limit });

function entryOf(id: string, billed: bigint): Entry {
  const now = Date.now();
  const [callId = "", attempt = "1"] = id.split("/");
  return {
    id,
    callId,
    attempt: Number(attempt),
    operation: "chat",
    model: "m",
    deployment: "d",
    provider: "p",
    scopes: [{ kind: "key", id: "k" }],
    usage: { inputTokens: 1, outputTokens: 1 },
    cost: billed,
    billed,
    status: "final",
    startedAt: now,
    endedAt: now,
  };
}

/** Entries that cannot be written. */
function away(entries: MemoryEntries): EntryStore {
  return {
    append: () => Promise.reject(new Error("away")),
    spent: (query) => entries.spent(query),
    report: (query) => entries.report(query),
    list: (query) => entries.list(query),
    count: (query, most) => entries.count(query, most),
    get: (id) => entries.get(id),
  };
}

describe("ends of one turn of the event loop", () => {
  it("give back what they have not used before anything is refused", async () => {
    const ledger = await started();
    const lines = [line(10n)];
    expect(await ledger.reserve({ id: "a/1", estimate: 10n, lines })).toEqual({ held: true });
    void ledger.settle({ id: "a/1", actual: 4n, status: "final" });
    expect(await ledger.reserve({ id: "b/1", estimate: 6n, lines })).toEqual({ held: true });
    void ledger.void("b/1");
    const denied = await ledger.reserve({ id: "c/1", estimate: 7n, lines });
    expect(denied).toMatchObject({ held: false, spent: 4n, pending: 0n });
    await ledger.close();
  });
});

describe("an end without the other half", () => {
  it("an entry for which nothing was reserved survives the process as well", async () => {
    const directory = join(root, "alone");
    const entries = new MemoryEntries();
    const gone = new SpooledLedger({ entries: away(entries), directory, durability: "none" });
    await gone.start(new MemoryReservations());
    void gone.append(entryOf("a/1", 7n));
    await new Promise((resolve) => setImmediate(resolve));
    // the process ends: nothing is closed, and its lock goes with it
    const taken = await copyOfSpool(directory);
    const next = new SpooledLedger({ entries, directory: taken });
    await next.start(new MemoryReservations());
    expect((await entries.get("a/1"))?.billed).toBe(7n);
    await next.close();
  });

  it("a settlement without an entry gets one", async () => {
    const entries = new MemoryEntries();
    const ledger = await started({ entries, leaseMs: 200 });
    await ledger.reserve({ id: "b/1", estimate: 10n, lines: [line(100n)] });
    await ledger.dispatched("b/1");
    await ledger.settle({ id: "b/1", actual: 4n, status: "counted" });
    await vi.waitFor(async () => expect(await entries.get("b/1")).toMatchObject({ billed: 4n, status: "counted" }));
    await ledger.close();
  });

  it("what was settled stays in the spool until its entry is written: counters may live in memory alone", async () => {
    const directory = join(root, "halfway");
    const entries = new MemoryEntries();
    const ledger = new SpooledLedger({ entries, directory, durability: "none" });
    await ledger.start(new MemoryReservations());
    await ledger.reserve({ id: "c/1", estimate: 10n, lines: [line(100n)] });
    await ledger.dispatched("c/1");
    await ledger.settle({ id: "c/1", actual: 4n, status: "final" });
    const taken = await copyOfSpool(directory);
    const fresh = new MemoryReservations();
    const next = new SpooledLedger({ entries, directory: taken });
    await next.start(fresh);
    expect(await fresh.balance(line(100n))).toEqual({ posted: 4n, pending: 0n });
    expect((await entries.get("c/1"))?.billed).toBe(4n);
    await next.close();
    await ledger.close();
  });

  it("after the close nothing is taken that would not be written", async () => {
    const ledger = await started();
    await ledger.close();
    for (const late of [
      () => ledger.reserve({ id: "d/1", estimate: 1n, lines: [] }),
      () => ledger.settle({ id: "d/1", actual: 1n, status: "final" }),
      () => ledger.append(entryOf("d/1", 1n)),
    ]) {
      await expect(late()).rejects.toMatchObject({ code: "ledger_unavailable" });
    }
  });
});

/** The spool as a process leaves it that is killed now, under a root of its own. */
async function copyOfSpool(directory: string): Promise<string> {
  const copy = `${directory}-left`;
  const [name = ""] = readdirSync(directory).filter((each) => !each.endsWith(".lock"));
  mkdirSync(copy);
  cpSync(join(directory, name), join(copy, name), { recursive: true });
  return copy;
}

/** Counters of all processes. */
class OutlivingReservations extends MemoryReservations {
  override readonly ownProcess: boolean = false;
}

describe("what a process leaves that ends suddenly", () => {
  it("is ended by the next one: 0 where nothing was sent, the estimate where nobody knows", async () => {
    const directory = join(root, "sudden");
    const entries = new MemoryEntries();
    const reservations = new OutlivingReservations();
    const gone = new SpooledLedger({ entries, directory, durability: "none" });
    await gone.start(reservations);
    await gone.reserve({ id: "c/1", estimate: 10n, lines: [line(100n)] });
    await gone.reserve({ id: "c/2", estimate: 20n, lines: [line(100n)] });
    await gone.dispatched("c/2");
    // closing keeps what was never settled, as the end of a process does
    await gone.close();
    const next = new SpooledLedger({ entries, directory, durability: "none" });
    await next.start(reservations);
    expect(await reservations.balance(line(100n))).toEqual({ posted: 20n, pending: 0n });
    expect(await next.spent({ scope: { kind: "key", id: "k" } })).toEqual({ billed: 20n, pending: 0n, entries: 2 });
    expect((await entries.get("c/2"))?.status).toBe("estimated");
    await next.close();
    expect(readdirSync(directory)).toEqual([]);
  });
});

describe("stores that fail", () => {
  it("get entries again until they have them, and attempts go on meanwhile", async () => {
    const entries = new MemoryEntries();
    let fails = 2;
    const ledger = await started({
      entries: {
        append: (some) => (fails-- > 0 ? Promise.reject(new Error("away")) : entries.append(some)),
        spent: (query) => entries.spent(query),
        report: (query) => entries.report(query),
        list: (query) => entries.list(query),
        count: (query, most) => entries.count(query, most),
        get: (id) => entries.get(id),
      },
    });
    expect(await ledger.reserve({ id: "d/1", estimate: 5n, lines: [line(null)] })).toEqual({ held: true });
    await ledger.settle({ id: "d/1", actual: 3n, status: "final" });
    await ledger.append(entryOf("d/1", 3n));
    expect((await ledger.spent({ scope: { kind: "key", id: "k" }, period: "all" })).billed).toBe(3n);
    await ledger.close();
  });

  it("do not make a free budget of one that cannot be asked, and give back what they may hold", async () => {
    const reservations = new MemoryReservations();
    let away = true;
    const ledger = new SpooledLedger({ entries: new MemoryEntries() });
    await ledger.start(
      new Proxy(reservations, {
        get(target, name) {
          const member: unknown = Reflect.get(target, name);
          if (name !== "reserve") return typeof member === "function" ? member.bind(target) : member;
          return async (...words: Parameters<MemoryReservations["reserve"]>) => {
            const answer = await target.reserve(...words);
            if (away) throw new Error("cut off");
            return answer;
          };
        },
      }),
    );
    const request = { id: "e/1", estimate: 60n, lines: [line(100n)] };
    await expect(ledger.reserve(request)).rejects.toMatchObject({ code: "ledger_unavailable" });
    away = false;
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(await reservations.balance(line(100n))).toEqual({ posted: 0n, pending: 0n });
    expect(await ledger.reserve({ ...request, id: "e/2" })).toEqual({ held: true });
    await ledger.close();
  });

  it("are not asked at all before the start", async () => {
    const ledger = new SpooledLedger({ entries: new MemoryEntries() });
    await expect(ledger.reserve({ id: "f/1", estimate: 1n, lines: [] })).rejects.toBeInstanceOf(GatewayError);
  });
});
