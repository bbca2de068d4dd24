import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { afterEach, expect, it, vi } from "vitest";
import type { BudgetLine } from "@signalbox/kernel";
import type { LedgerEvent } from "@signalbox/kernel/ledger";
import { MemoryEntries, MemoryReservations, SpooledLedger } from "@signalbox/kernel/ledger";
import { entry } from "./entries.ts";

const line: BudgetLine = { scope: { kind: "key", id: "k" }, period: "all", limit: 1_000n };
const ended: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ended.splice(0).reverse()) await end();
});

/** Counters that nobody reaps, and that show more than is held. */
class Broken extends MemoryReservations {
  more = 0n;

  override async reap(): Promise<readonly never[]> {
    return [];
  }

  override async checkHeld(lines: readonly BudgetLine[], overdueMs: number) {
    const { differing, overdue } = await super.checkHeld(lines, overdueMs);
    const wrong = lines.map(({ scope, period }) => ({ line: { scope, period }, pending: this.more, held: 0n }));
    return { differing: [...differing, ...wrong.filter(({ pending }) => pending > 0n)], overdue };
  }
}

it("what is reserved and belongs to nobody is told, and so is what nobody reaps", async () => {
  const events: LedgerEvent[] = [];
  const listener = (event: unknown): void => void events.push(event as LedgerEvent);
  subscribe("signalbox:ledger", listener);
  ended.push(() => unsubscribe("signalbox:ledger", listener));
  const entries = new MemoryEntries();
  await entries.append([entry({ id: "a/1", billed: 0n, lines: [{ scope: line.scope, period: "all" }] })]);
  const counters = new Broken();
  await counters.reserve({ id: "b/1", estimate: 5n, lines: [line] }, 1);
  const ledger = new SpooledLedger({ entries, leaseMs: 100, reconcileMs: 30 });
  await ledger.start(counters);
  ended.push(() => ledger.close());
  await vi.waitFor(() => expect(events).toContainEqual({ kind: "overdue", reservations: 1 }));
  expect(events.some(({ kind }) => kind === "heldDrift")).toBe(false);
  expect(ledger.health()).toEqual({ ok: true });
  counters.more = 12n;
  const told = { kind: "heldDrift", line: { scope: line.scope, period: "all" }, pending: 12n, held: 0n };
  await vi.waitFor(() => expect(events).toContainEqual(told));
  await vi.waitFor(() =>
    expect(ledger.health()).toEqual({ ok: true, detail: "1 counters of budgets differ from their entries" }),
  );
});
