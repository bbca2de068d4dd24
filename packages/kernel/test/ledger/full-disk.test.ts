import { spawnSync } from "node:child_process";
import { closeSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it, vi } from "vitest";
import type { BudgetLine } from "@signalbox/kernel";
import { MemoryEntries, MemoryReservations, readFrames, SpooledLedger } from "@signalbox/kernel/ledger";
import { entry } from "./entries.ts";

const root = mkdtempSync(join(tmpdir(), "full-"));
const disk = join(root, "disk");
mkdirSync(disk);
const asRoot = process.getuid?.() === 0 ? [] : ["sudo", "-n"];

function run(...command: readonly string[]): boolean {
  const [first = "", ...rest] = [...asRoot, ...command];
  return spawnSync(first, rest, { stdio: "ignore" }).status === 0;
}

/** A disk of one mebibyte, where this system lets us have one. */
const mounted = run("mount", "-t", "tmpfs", "-o", `size=1m,uid=${process.getuid?.() ?? 0}`, "tmpfs", disk);

afterAll(() => {
  if (mounted) run("umount", "-l", disk);
  rmSync(root, { recursive: true, force: true });
});

const line: BudgetLine = { scope: { kind: "key", id: "k" }, period: "all", limit: 1_000_000n };

/** Takes all the space that is left. */
function fill(): void {
  const file = openSync(join(disk, "ballast"), "a");
  try {
    for (const size of [65_536, 4_096, 512, 1]) {
      const block = Buffer.alloc(size);
      try {
        while (writeSync(file, block) > 0);
      } catch (error) {
        expect(error).toMatchObject({ code: "ENOSPC" });
      }
    }
  } finally {
    closeSync(file);
  }
}

describe.skipIf(!mounted)("on a full disk", () => {
  it.each(["none", "group"] as const)(
    "admits nothing, settles what runs, and goes on when there is space (%s)",
    async (durability) => {
      const directory = join(disk, "spool");
      const entries = new MemoryEntries();
      const reservations = new MemoryReservations();
      const ledger = new SpooledLedger({ entries, directory, durability, flushMs: 1 });
      await ledger.start(reservations);
      for (const id of ["a/1", "b/1", "c/1"]) {
        await ledger.reserve({ id, estimate: 100n, lines: [line] });
        await ledger.dispatched(id);
      }
      fill();
      // what is left of the last block
      const admitted: string[] = [];
      let refusal: unknown;
      for (let index = 0; refusal === undefined && index < 100; index++) {
        const id = `more-${index}/1`;
        try {
          await ledger.reserve({ id, estimate: 100n, lines: [line] });
          await ledger.dispatched(id);
          admitted.push(id);
        } catch (error) {
          refusal = error;
          await ledger.void(id);
        }
      }
      expect(refusal).toMatchObject({
        code: "overloaded",
        message: expect.stringContaining("the spool cannot be written"),
      });
      expect(ledger.health()).toEqual({
        ok: false,
        detail: expect.stringMatching(/the spool cannot be written: ENOSPC/),
      });

      // streams that ran end, and are written
      const running = ["a/1", "b/1", ...admitted];
      for (const id of running) {
        await Promise.all([
          ledger.settle({ id, actual: 7n, status: "final" }),
          ledger.append(entry({ id, billed: 7n, scopes: [line.scope], lines: [{ scope: line.scope, period: "all" }] })),
        ]);
      }
      const posted = 7n * BigInt(running.length);
      expect(await ledger.spent({ scope: line.scope, period: "all" })).toMatchObject({ billed: posted });
      expect(await reservations.balance(line)).toEqual({ posted, pending: 100n });

      rmSync(join(disk, "ballast"));
      // by itself: no call has to try it
      await vi.waitFor(() => expect(ledger.health()).toEqual({ ok: true }), { timeout: 5_000 });
      await ledger.reserve({ id: "d/1", estimate: 100n, lines: [line] });
      await ledger.dispatched("d/1");

      // nothing is damaged, and a sudden end now would leave what is right
      for (const name of readdirSync(directory, { recursive: true }) as string[]) {
        if (!name.endsWith(".log")) continue;
        const segment = readFileSync(join(directory, name));
        expect(readFrames(segment).goodBytes).toBe(segment.length);
      }
      for (const name of readdirSync(directory)) if (name.endsWith(".lock")) rmSync(join(directory, name));
      const next = new SpooledLedger({ entries, directory });
      await next.start(reservations);
      expect(await entries.get("c/1")).toMatchObject({ billed: 100n, status: "estimated" });
      expect(await entries.get("d/1")).toMatchObject({ billed: 100n, status: "estimated" });
      expect(await reservations.balance(line)).toEqual({ posted: posted + 200n, pending: 0n });
      expect(await next.spent({ scope: line.scope, period: "all" })).toMatchObject({ billed: posted + 200n });
      await next.close();
      await ledger.close();
    },
  );
});
