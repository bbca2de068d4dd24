import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { BudgetLine } from "@signalbox/kernel";
import { createDirectory, MemoryEntries, MemoryReservations, SpooledLedger, takeOver } from "@signalbox/kernel/ledger";
import { entry } from "./entries.ts";

const line: BudgetLine = { scope: { kind: "key", id: "k" }, period: "all", limit: 1_000n };
const ABANDONED_MS = 400;

let root: string;
let entries: MemoryEntries;
let reservations: MemoryReservations;
let ledger: SpooledLedger;

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), "kept-"));
  entries = new MemoryEntries();
  reservations = new MemoryReservations();
  ledger = new SpooledLedger({
    entries,
    directory: join(root, "spool"),
    flushMs: 1,
    durability: "none",
    abandonedMs: ABANDONED_MS,
  });
  await ledger.start(reservations);
});

afterEach(async () => {
  await ledger.close();
  rmSync(root, { recursive: true, force: true });
});

function spools(): readonly string[] {
  return readdirSync(join(root, "spool")).filter((name) => !name.includes("."));
}

/** What the next process would make of the spool as it is on the disk now. */
async function afterSuddenEnd(): Promise<MemoryEntries> {
  const directory = join(root, `copy-${Math.random()}`);
  mkdirSync(directory);
  for (const name of spools()) cpSync(join(root, "spool", name), join(directory, name), { recursive: true });
  const kept = new MemoryEntries();
  const next = new SpooledLedger({ entries: kept, directory });
  await next.start(new MemoryReservations());
  await next.close();
  return kept;
}

/** The process can do nothing for so long. */
function stop(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

describe("a process that was stopped for a while", () => {
  it("keeps its spool, under another name, where nobody has taken it", async () => {
    await ledger.reserve({ id: "a/1", estimate: 10n, lines: [line] });
    await ledger.dispatched("a/1");
    const [before] = spools();
    stop(ABANDONED_MS);
    // nothing is sent before it is sure
    await ledger.reserve({ id: "b/1", estimate: 1n, lines: [line] });
    await expect(ledger.dispatched("b/1")).rejects.toMatchObject({ code: "overloaded" });
    expect(ledger.health()).toEqual({ ok: false, detail: expect.stringContaining("was silent for so long") });
    await ledger.void("b/1");
    await vi.waitFor(() => expect(ledger.health()).toEqual({ ok: true }));
    expect(spools()).toHaveLength(1);
    expect(spools()).not.toEqual([before]);
    await ledger.reserve({ id: "c/1", estimate: 1n, lines: [line] });
    await ledger.dispatched("c/1");
    const next = await afterSuddenEnd();
    expect((await next.get("a/1"))?.billed).toBe(10n);
    expect((await next.get("c/1"))?.billed).toBe(1n);
    for (const id of ["a/1", "c/1"]) {
      await Promise.all([ledger.settle({ id, actual: 1n, status: "final" }), ledger.append(entry({ id, billed: 1n }))]);
    }
    await ledger.close();
    expect(readdirSync(join(root, "spool"))).toEqual([]);
  });

  it("is not disturbed by a clock that is set: what runs may still be sent", async () => {
    await ledger.reserve({ id: "a/1", estimate: 10n, lines: [line] });
    const real = Date.now;
    vi.spyOn(Date, "now").mockImplementation(() => real() + 3_600_000);
    try {
      await vi.waitFor(() => expect(ledger.health()).toEqual({ ok: true }));
      await vi.waitFor(() => ledger.dispatched("a/1"));
    } finally {
      vi.restoreAllMocks();
    }
    expect((await (await afterSuddenEnd()).get("a/1"))?.status).toBe("estimated");
    await ledger.void("a/1");
  });
});

describe("a process whose spool is gone", () => {
  it("notes again what it has sent, and sends nothing any more that another one has booked at 0", async () => {
    for (const id of ["sent/1", "waits/1", "ends/1"]) await ledger.reserve({ id, estimate: 10n, lines: [line] });
    await ledger.dispatched("sent/1");
    await ledger.dispatched("ends/1");
    // as another host would: nobody answers at the lock
    for (const name of readdirSync(join(root, "spool"))) {
      if (name.endsWith(".lock")) rmSync(join(root, "spool", name));
    }
    const [taken] = await takeOver(join(root, "spool"));
    await taken?.release(true);
    await vi.waitFor(() => expect(spools()).toHaveLength(1));
    await vi.waitFor(() => expect(ledger.health()).toEqual({ ok: true }));
    await expect(ledger.dispatched("waits/1")).rejects.toThrow("another process has taken over");
    await ledger.void("waits/1");
    await Promise.all([
      ledger.settle({ id: "ends/1", actual: 3n, status: "final" }),
      ledger.append(entry({ id: "ends/1", billed: 3n })),
    ]);
    const next = await afterSuddenEnd();
    expect(await next.get("sent/1")).toMatchObject({ billed: 10n, status: "estimated" });
    expect(await next.get("waits/1")).toBeUndefined();
    expect(await reservations.balance(line)).toEqual({ posted: 3n, pending: 10n });
    await ledger.void("sent/1");
    await ledger.close();
    expect(await reservations.balance(line)).toEqual({ posted: 3n, pending: 0n });
  });

  it("sends nothing even where its clocks have stood still meanwhile", async () => {
    class Shared extends MemoryReservations {
      override readonly ownProcess: boolean = false;
    }
    const directory = join(root, "frozen");
    const frozen = new SpooledLedger({ entries, directory, durability: "none" });
    await frozen.start(new Shared());
    vi.spyOn(performance, "now").mockReturnValue(performance.now());
    vi.spyOn(Date, "now").mockReturnValue(Date.now());
    try {
      await frozen.reserve({ id: "a/1", estimate: 10n, lines: [line] });
      for (const name of readdirSync(directory)) if (name.endsWith(".lock")) rmSync(join(directory, name));
      const [taken] = await takeOver(directory);
      await expect((async () => frozen.dispatched("a/1"))()).rejects.toMatchObject({ code: "overloaded" });
      await taken?.release(true);
    } finally {
      vi.restoreAllMocks();
    }
    await frozen.void("a/1");
    await frozen.close();
  });

  it("goes on when somebody has deleted it", async () => {
    await ledger.reserve({ id: "a/1", estimate: 10n, lines: [line] });
    await ledger.dispatched("a/1");
    rmSync(join(root, "spool"), { recursive: true });
    await vi.waitFor(() => expect(existsSync(join(root, "spool"))).toBe(true));
    await vi.waitFor(() => expect(ledger.health()).toEqual({ ok: true }));
    expect((await (await afterSuddenEnd()).get("a/1"))?.billed).toBe(10n);
    await ledger.void("a/1");
  });
});

describe("directories of another host", () => {
  it("are taken over when they were not touched for long, by the clock of their volume", async () => {
    const own = await createDirectory(join(root, "other"));
    const [name = ""] = readdirSync(join(root, "other")).filter((each) => !each.includes("."));
    rmSync(join(root, "other", `${name}.lock`));
    writeFileSync(join(own.path, "owner.json"), JSON.stringify({ host: "elsewhere", pid: 1 }));
    expect(await takeOver(join(root, "other"), { abandonedMs: 200 })).toEqual([]);
    await new Promise((resolve) => setTimeout(resolve, 150));
    own.touch();
    await new Promise((resolve) => setTimeout(resolve, 150));
    // whatever the clock of this host shows
    const real = Date.now;
    vi.spyOn(Date, "now").mockImplementation(() => real() + 3_600_000);
    writeFileSync(join(own.path, "owner.json"), JSON.stringify({ host: "elsewhere", pid: 1 }));
    expect(await takeOver(join(root, "other"), { abandonedMs: 200 })).toEqual([]);
    vi.restoreAllMocks();
    await new Promise((resolve) => setTimeout(resolve, 250));
    const [taken] = await takeOver(join(root, "other"), { abandonedMs: 200 });
    expect(taken?.before).toBe(name);
    expect(own.exists).toBe(false);
    expect(() => own.touch()).toThrow(/ENOENT/);
    await taken?.release(true);
    await own.release(true);
    expect(readdirSync(join(root, "other"))).toEqual([]);
  });
});
