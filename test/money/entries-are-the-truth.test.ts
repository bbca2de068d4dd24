import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, expect, it } from "vitest";
import type { BudgetLine, Entry, Gateway, Ledger } from "@signalbox/kernel";
import { createGateway } from "@signalbox/kernel";
import { sqliteLedger } from "@signalbox/plugin-ledger-sqlite";

const LINES: readonly BudgetLine[] = [
  { scope: { kind: "team", id: "t-1" }, period: "2026-11", limit: null },
  { scope: { kind: "team", id: "t-1" }, period: "2026-11-20", limit: null },
  { scope: { kind: "key", id: "k-1" }, period: "all", limit: null },
];
/** More than anybody spends here. */
const WIDE = 1_000_000n;

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

async function opened(file: string): Promise<{ readonly gateway: Gateway; readonly ledger: Ledger }> {
  const plugin = sqliteLedger({ file });
  return { gateway: await createGateway({ plugins: [plugin] }), ledger: plugin.ledger };
}

function entryOf(callId: string, lines: readonly BudgetLine[], billed: bigint, status: Entry["status"]): Entry {
  const now = Date.now();
  return {
    id: `${callId}/1`,
    callId,
    attempt: 1,
    operation: "chat",
    model: "m",
    deployment: "d",
    provider: "p",
    scopes: lines.map(({ scope }) => scope),
    lines: lines.map(({ scope, period }) => ({ scope, period })),
    usage: { inputTokens: 1, outputTokens: 1 },
    cost: billed,
    billed,
    status,
    startedAt: now,
    endedAt: now,
  };
}

/** What a counter holds: told by a reservation that it cannot cover. */
async function counter(ledger: Ledger, line: BudgetLine): Promise<bigint> {
  const id = `${randomUUID()}/1`;
  const answer = await ledger.reserve({ id, estimate: WIDE * 10n, lines: [{ ...line, limit: WIDE }] });
  if (answer.held) throw new Error("nothing should be held here");
  expect(answer.pending).toBe(0n);
  return answer.spent;
}

const step = fc.record({
  what: fc.constantFrom("settle", "guess", "correct", "void", "refund", "reset"),
  lines: fc.subarray([0, 1, 2], { minLength: 1 }),
  amount: fc.integer({ min: 1, max: 500 }),
});

it("refunds, resets and corrections are rows: read again from zero, they give the same counters", {
  timeout: 60_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), async (steps) => {
      const folder = mkdtempSync(join(tmpdir(), "truth-"));
      folders.push(folder);
      const file = join(folder, "ledger.db");
      const { gateway, ledger } = await opened(file);
      const expected = LINES.map(() => 0n);
      for (const { what, lines: chosen, amount } of steps) {
        const lines = chosen.map((at) => LINES[at] as BudgetLine);
        const callId = randomUUID();
        const id = `${callId}/1`;
        const cost = BigInt(amount);
        let moved = cost;
        if (what === "refund" || what === "reset") {
          // a reset is a refund of all that is there, line by line
          const [first = 0] = chosen;
          moved = what === "refund" ? -cost : -(expected[first] as bigint);
          const of = what === "refund" ? lines : lines.slice(0, 1);
          await ledger.adjust?.({ ...entryOf(callId, of, moved, "final"), operation: "adjustment" });
          for (const at of what === "refund" ? chosen : [first]) expected[at] = (expected[at] as bigint) + moved;
          continue;
        }
        await ledger.reserve({ id, estimate: 600n, lines });
        await ledger.dispatched?.(id);
        if (what === "settle") {
          await ledger.settle({ id, actual: cost, status: "final" });
          await ledger.append(entryOf(callId, lines, cost, "final"));
        } else {
          await ledger.settle({ id, actual: 600n, status: "estimated" });
          await ledger.append(entryOf(callId, lines, 600n, "estimated"));
          moved = 600n;
          if (what === "correct") {
            await ledger.settle({ id, actual: cost, status: "final" });
            await ledger.append(entryOf(callId, lines, cost, "final"));
            moved = cost;
          } else if (what === "void") {
            await ledger.void(id);
            await ledger.append(entryOf(callId, lines, 0n, "void"));
            moved = 0n;
          }
        }
        for (const at of chosen) expected[at] = (expected[at] as bigint) + moved;
      }
      for (const [at, line] of LINES.entries()) expect(await counter(ledger, line)).toBe(expected[at]);
      await gateway.close();

      const again = await opened(file);
      for (const [at, line] of LINES.entries()) {
        const { billed } = await again.ledger.spent({ scope: line.scope, period: line.period });
        expect(billed).toBe(expected[at]);
        expect(await counter(again.ledger, line)).toBe(expected[at]);
      }
      await again.gateway.close();
    }),
    { numRuns: 25 },
  );
});
