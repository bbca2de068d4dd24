import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { BudgetLine, Entry, EntryStore } from "@signalbox/kernel";
import { GatewayError } from "@signalbox/kernel";
import type { LedgerEvent } from "@signalbox/kernel/ledger";
import { MemoryEntries, MemoryReservations, SpooledLedger } from "@signalbox/kernel/ledger";

const line: BudgetLine = { scope: { kind: "key", id: "k" }, period: "all", limit: 1_000n };
const past: BudgetLine = { ...line, period: "2020-01" };

const ended: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ended.splice(0).reverse()) await end();
});

function heard(): LedgerEvent[] {
  const events: LedgerEvent[] = [];
  const listener = (event: unknown): void => void events.push(event as LedgerEvent);
  subscribe("signalbox:ledger", listener);
  ended.push(() => unsubscribe("signalbox:ledger", listener));
  return events;
}

function entryOf(id: string, billed: bigint): Entry {
  return {
    id,
    callId: id.slice(0, -2),
    attempt: 1,
    operation: "chat",
    model: "m",
    deployment: "d",
    provider: "p",
    scopes: [line.scope],
    lines: [line, past].map(({ scope, period }) => ({ scope, period })),
    usage: { inputTokens: 1, outputTokens: 1 },
    cost: billed,
    billed,
    status: "final",
    startedAt: Date.now(),
    endedAt: Date.now(),
  };
}

/** Counters that know of other processes. */
class SharedReservations extends MemoryReservations {
  allQuiet = true;
  readonly told: (boolean | undefined)[] = [];
  async quiet(_process: string, written: boolean | undefined): Promise<boolean> {
    this.told.push(written);
    return this.allQuiet && written !== false;
  }
}

async function started(entries: EntryStore, counters: MemoryReservations, directory?: string): Promise<SpooledLedger> {
  const ledger = new SpooledLedger({
    entries,
    flushMs: 1,
    reconcileMs: 40,
    durability: "none",
    ...(directory !== undefined && { directory }),
  });
  await ledger.start(counters);
  ended.push(() => ledger.close());
  return ledger;
}

describe("counters that differ from their entries", () => {
  it("are raised when they show too little, and that is told", async () => {
    const events = heard();
    const entries = new MemoryEntries();
    const counters = new MemoryReservations();
    await entries.append([entryOf("a/1", 70n)]);
    await started(entries, counters);
    await vi.waitFor(async () => expect(await counters.balance(line)).toEqual({ posted: 70n, pending: 0n }));
    expect(events).toEqual([
      { kind: "drift", line: { scope: line.scope, period: "all" }, difference: -70n, corrected: true },
    ]);
    // nobody is charged in a period that is over
    expect((await counters.balance(past)).posted).toBe(0n);
  });

  it("are not touched while something is reserved", async () => {
    const entries = new MemoryEntries();
    const counters = new MemoryReservations();
    await entries.append([entryOf("a/1", 70n)]);
    const ledger = await started(entries, counters);
    await ledger.reserve({ id: "b/1", estimate: 5n, lines: [line] });
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(await counters.balance(line)).toEqual({ posted: 0n, pending: 5n });
    await ledger.void("b/1");
    await vi.waitFor(async () => expect((await counters.balance(line)).posted).toBe(70n));
  });

  it("are lowered only when every process has written all its entries", async () => {
    const events = heard();
    const entries = new MemoryEntries();
    const counters = new SharedReservations();
    await entries.append([entryOf("a/1", 70n)]);
    await counters.correct(line, 0n, 100n);
    counters.allQuiet = false;
    const ledger = await started(entries, counters);
    await vi.waitFor(() => expect(events.length).toBeGreaterThan(1));
    expect(events[0]).toMatchObject({ kind: "drift", difference: 30n, corrected: false });
    expect((await counters.balance(line)).posted).toBe(100n);
    expect(ledger.health()).toEqual({ ok: true, detail: "1 counters of budgets differ from their entries" });
    counters.allQuiet = true;
    await vi.waitFor(async () => expect((await counters.balance(line)).posted).toBe(70n));
    await vi.waitFor(() => expect(ledger.health()).toEqual({ ok: true }));
    await ledger.close();
    expect(counters.told.at(-1)).toBeUndefined();
  });
});

describe("an entry that the store will never take", () => {
  it("is put aside into a file, is told, and keeps no others waiting, also in a replay", async () => {
    const events = heard();
    const directory = mkdtempSync(join(tmpdir(), "refused-"));
    ended.push(() => rmSync(directory, { recursive: true, force: true }));
    const kept = new MemoryEntries();
    let away = true;
    const entries: EntryStore = {
      append: async (some) => {
        if (away) throw new GatewayError("ledger_unavailable", "away");
        if (some.some(({ id }) => id === "p13/1")) throw new GatewayError("invalid_request", "poison");
        await kept.append(some);
      },
      spent: (query) => kept.spent(query),
      report: (query) => kept.report(query),
      list: (query) => kept.list(query),
      count: (query, most) => kept.count(query, most),
      get: (id) => kept.get(id),
    };
    const ledger = await started(entries, new SharedReservations(), directory);
    const all = Array.from({ length: 40 }, (_, index) => entryOf(`p${index}/1`, 1n));
    const written = Promise.all(all.map((entry) => ledger.append(entry)));
    await new Promise((resolve) => setTimeout(resolve, 100));
    away = false;
    await written;
    expect((await kept.spent({})).entries).toBe(39);
    const file = join(directory, "refused-entries.jsonl");
    const [first = "", ...rest] = readFileSync(file, "utf8").trim().split("\n");
    expect(JSON.parse(first)).toMatchObject({ id: "p13/1", billed: "1" });
    expect(rest).toEqual([]);
    const refusals = events.filter(({ kind }) => kind === "entryRefused");
    expect(refusals).toEqual([{ kind: "entryRefused", id: "p13/1", file, cause: expect.any(GatewayError) }]);
    expect(ledger.health()).toEqual({ ok: true, detail: `entries that the store refused are in ${file}` });
  });
});
