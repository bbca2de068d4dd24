import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { BudgetLine, ReservationStore } from "@signalbox/kernel";
import { SpooledLedger } from "@signalbox/kernel/ledger";
import { ChildProgram } from "../child-program.ts";
import type { OwnDatabase } from "../services/index.ts";
import { createDatabase } from "../services/index.ts";
import { opened, ownSchema } from "./opened.ts";
import type { BusyTask } from "./programs/busy-ledger.ts";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const LEASE_MS = 400;
const ABANDONED_MS = 800;
const line: BudgetLine = { scope: { kind: "key", id: "k" }, period: "all", limit: null };

let database: OwnDatabase;
const root = mkdtempSync(join(tmpdir(), "silent-"));

beforeAll(async () => {
  database = await createDatabase();
});

afterAll(async () => {
  await ChildProgram.stopAll();
  await database.drop();
  rmSync(root, { recursive: true, force: true });
});

/** The spools below the folder are those of another host, as far as anybody can tell. */
function fromElsewhere(directory: string): void {
  for (const name of readdirSync(directory)) {
    if (name.endsWith(".lock")) rmSync(join(directory, name));
    else writeFileSync(join(directory, name, "owner.json"), JSON.stringify({ host: "elsewhere", pid: 1 }));
  }
}

/** Attempts and what was charged for them; fails where one was charged twice. */
function billOf(file: string): ReadonlyMap<string, bigint> {
  const bill = new Map<string, bigint>();
  for (const row of readFileSync(file, "utf8").trim().split("\n")) {
    const [id = "", billed = ""] = row.split(" ");
    expect(bill.has(id)).toBe(false);
    bill.set(id, BigInt(billed));
  }
  return bill;
}

describe("a process that is stopped for longer than others wait for it", () => {
  it("loses and doubles nothing when its spool was ended by another one meanwhile", { timeout: 60_000 }, async () => {
    const schema = ownSchema();
    const directory = join(root, "spool");
    const bill = join(root, "bill");
    const task: BusyTask = {
      url: database.url,
      schema,
      directory,
      bill,
      leaseMs: LEASE_MS,
      abandonedMs: ABANDONED_MS,
      lanes: 16,
    };
    const program = await ChildProgram.start(here("./programs/busy-ledger.ts"), {
      probe: here("../probe.ts"),
      node: ["--conditions=@signalbox/source"],
      arguments: [JSON.stringify(task)],
    });
    const plugin = await opened({ url: database.url, schema, reservations: true });
    const store = plugin.reservationStore as ReservationStore;
    let refused = 0;
    for (let round = 1; round <= 3; round++) {
      await sleep(500);
      program.signal("SIGSTOP");
      const [before] = readdirSync(directory).filter((name) => !name.includes("."));
      fromElsewhere(directory);
      await sleep(ABANDONED_MS + 200);
      // ends what the silent one has left, and all that it reaps
      const other = new SpooledLedger({
        entries: plugin.entryStore,
        directory,
        leaseMs: LEASE_MS,
        abandonedMs: ABANDONED_MS,
      });
      await other.start(store);
      expect(readdirSync(directory)).not.toContain(before);
      // some was under way, and is booked at its estimate
      expect((await plugin.entryStore.list({ limit: 1_000 })).some(({ status }) => status === "estimated")).toBe(true);
      program.signal("SIGCONT");
      // what was reserved and not yet sent must not be sent any more; then it goes on
      await expect.poll(() => program.ask<number>("refused"), { timeout: 5_000 }).toBeGreaterThan(refused);
      await expect.poll(() => program.ask("health"), { timeout: 5_000 }).toEqual({ ok: true });
      await sleep(200);
      refused = await program.ask<number>("refused");
      await other.close();
    }
    await sleep(500);
    // it works again: nothing is refused that comes later
    expect(await program.ask("refused")).toBe(refused);
    await program.ask("end");
    await program.stop();

    const charged = billOf(bill);
    const entries = await plugin.entryStore.list({ limit: 100_000 });
    const wrong = entries.filter(({ id, billed, status }) => {
      const due = charged.get(id);
      return due === undefined ? billed !== 0n : billed !== due || status !== "final";
    });
    expect(wrong).toEqual([]);
    expect(entries.filter(({ billed }) => billed > 0n)).toHaveLength(charged.size);
    const posted = [...charged.values()].reduce((sum, each) => sum + each, 0n);
    expect(await plugin.entryStore.spent({ scope: line.scope })).toMatchObject({ billed: posted });
    expect(await store.balance(line)).toEqual({ posted, pending: 0n });
    expect(readdirSync(directory)).toEqual([]);
    await plugin.close?.();
  });
});
