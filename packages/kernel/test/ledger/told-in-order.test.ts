import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import type { BudgetLine, Entry } from "@signalbox/kernel";
import { MemoryEntries, MemoryReservations, SpooledLedger } from "@signalbox/kernel/ledger";
import { entry } from "./entries.ts";

const root = mkdtempSync(join(tmpdir(), "told-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const line: BudgetLine = { scope: { kind: "key", id: "k" }, period: "all", limit: 100n };

/** All records of all spools below a folder. */
function recorded(directory: string): string {
  const names = (readdirSync(directory, { recursive: true }) as string[]).filter((name) => name.endsWith(".log"));
  return names.map((name) => readFileSync(join(directory, name), "latin1")).join("");
}

/** Counters that outlive the process, and see what its spool says when they are told of an end. */
class Elsewhere extends MemoryReservations {
  override readonly ownProcess: boolean = false;
  readonly seen: string[] = [];
  directory = "";

  override settle(settlements: Parameters<MemoryReservations["settle"]>[0]): Promise<void> {
    this.seen.push(recorded(this.directory));
    return super.settle(settlements);
  }
}

class Watched extends MemoryEntries {
  readonly seen: string[] = [];
  directory = "";

  override append(entries: readonly Entry[]): Promise<void> {
    this.seen.push(recorded(this.directory));
    return super.append(entries);
  }
}

it("an end is in the spool before counters or entries learn of it", async () => {
  const directory = join(root, "order");
  const reservations = new Elsewhere();
  const entries = new Watched();
  const ledger = new SpooledLedger({ entries, directory, durability: "none" });
  await ledger.start(reservations);
  reservations.directory = directory;
  entries.directory = directory;
  await ledger.reserve({ id: "c/1", estimate: 10n, lines: [line] });
  await ledger.dispatched("c/1");
  await Promise.all([
    ledger.settle({ id: "c/1", actual: 4n, status: "final" }),
    ledger.append(entry({ id: "c/1", billed: 4n })),
  ]);
  expect(reservations.seen).toHaveLength(1);
  expect(reservations.seen[0]).toContain('S{"id":"c/1","actual":"4"');
  expect(entries.seen[0]).toMatch(/E\{.*"callId":"c"/);
  await ledger.close();
});

it("what waits when the ledger closes is written, to the counters as well", async () => {
  const directory = join(root, "closing");
  const reservations = new MemoryReservations();
  const ledger = new SpooledLedger({ entries: new MemoryEntries(), directory, durability: "none" });
  await ledger.start(reservations);
  await ledger.reserve({ id: "c/1", estimate: 10n, lines: [line] });
  await ledger.dispatched("c/1");
  void ledger.settle({ id: "c/1", actual: 4n, status: "final" });
  void ledger.append(entry({ id: "c/1", billed: 4n }));
  await ledger.close();
  expect(await reservations.balance(line)).toEqual({ posted: 4n, pending: 0n });
  expect(readdirSync(directory)).toEqual([]);
});

it("a replay gives counters what an entry says for certain, not a guess", async () => {
  const directory = join(root, "certain");
  const reservations = new MemoryReservations();
  const entries = new MemoryEntries();
  const gone = new SpooledLedger({ entries, directory, durability: "none" });
  await gone.start(reservations);
  await gone.reserve({ id: "c/1", estimate: 10n, lines: [line] });
  await gone.dispatched("c/1");
  await gone.close();
  // written, and the process ended before its spool said so
  const { scope, period } = line;
  await entries.append([entry({ id: "c/1", billed: 4n, lines: [{ scope, period }] })]);
  const next = new SpooledLedger({ entries, directory, durability: "none" });
  await next.start(reservations);
  expect(await reservations.balance(line)).toEqual({ posted: 4n, pending: 0n });
  expect((await entries.get("c/1"))?.billed).toBe(4n);
  await next.close();
});

it("attempts of one turn are in the spool together, before any of them is sent", async () => {
  const directory = join(root, "turn");
  const ledger = new SpooledLedger({ entries: new MemoryEntries(), directory, durability: "none" });
  await ledger.start(new MemoryReservations());
  const ids = ["c/1", "c/2", "c/3"];
  for (const id of ids) await ledger.reserve({ id, estimate: 10n, lines: [line] });
  // counters of this process need no record of what was not sent
  expect(recorded(directory)).toBe("");
  const noted = ids.map((id) => ledger.dispatched(id));
  expect(recorded(directory)).toBe("");
  await noted[0];
  for (const id of ids) expect(recorded(directory)).toContain(`P{"id":"${id}","estimate":"10"`);
  for (const id of ids) await ledger.void(id);
  await ledger.close();
});

it("an entry tells the end of its attempt, unless its settlement is another", async () => {
  for (const [name, actual, settlements] of [
    ["same", 4n, 0],
    ["other", 5n, 1],
  ] as const) {
    const directory = join(root, name);
    const ledger = new SpooledLedger({ entries: new MemoryEntries(), directory, durability: "none" });
    await ledger.start(new MemoryReservations());
    await ledger.reserve({ id: "c/1", estimate: 10n, lines: [line] });
    await ledger.dispatched("c/1");
    const written = ledger.append(entry({ id: "c/1", billed: 4n }));
    await ledger.settle({ id: "c/1", actual, status: "final" });
    expect(recorded(directory).split('S{"id":"c/1"')).toHaveLength(settlements + 1);
    expect(recorded(directory)).toMatch(/E\{.*"billed":"4"/);
    await written;
    await ledger.close();
  }
});
