// A process that spends: every attempt is in its upstream's file before it ends. Asked to `end`, it lets all end.

import { appendFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { BudgetLine, ReservationStore } from "@signalbox/kernel";
import { IdSource } from "@signalbox/kernel";
import { SpooledLedger } from "@signalbox/kernel/ledger";
import { postgresLedger } from "@signalbox/plugin-ledger-postgres";
import { answer, ready } from "../../probe.ts";

/** What the program is told. */
export interface BusyTask {
  readonly url: string;
  readonly schema: string;
  readonly directory: string;
  readonly bill: string;
  readonly leaseMs: number;
  readonly abandonedMs: number;
  /** Attempts that run side by side. */
  readonly lanes: number;
}

const task = JSON.parse(process.argv[2] ?? "") as BusyTask;
const plugin = postgresLedger({ url: task.url, schema: task.schema, reservations: true });
await plugin.setup?.(undefined as never);
const ledger = new SpooledLedger({
  entries: plugin.entryStore,
  directory: task.directory,
  leaseMs: task.leaseMs,
  abandonedMs: task.abandonedMs,
  reconcileMs: 200,
});
await ledger.start(plugin.reservationStore as ReservationStore);

const line: BudgetLine = { scope: { kind: "key", id: "k" }, period: "all", limit: 1_000_000_000n };
const ids = new IdSource();
let ending = false;
let refused = 0;
let counter = 0;

async function attempt(): Promise<void> {
  const callId = ids.next();
  const id = `${callId}/1`;
  const estimate = 1_000n;
  const { held } = await ledger.reserve({ id, estimate, lines: [line] });
  if (!held) throw new Error("the budget is large enough");
  // some are reserved and not yet sent, others sent and not yet ended, when the process is stopped
  if (counter++ % 2 === 0) await sleep(Math.random() * 60);
  try {
    await ledger.dispatched(id);
  } catch (error) {
    await ledger.void(id);
    throw error;
  }
  const billed = BigInt(100 + Math.floor(Math.random() * 900));
  appendFileSync(task.bill, `${id} ${billed}\n`);
  await sleep(Math.random() * 60);
  const now = Date.now();
  void ledger.settle({ id, actual: billed, status: "final" });
  void ledger.append({
    id,
    callId,
    attempt: 1,
    operation: "chat",
    model: "m",
    deployment: "d",
    provider: "p",
    scopes: [line.scope],
    usage: { inputTokens: 1, outputTokens: 1 },
    cost: billed,
    billed,
    status: "final",
    startedAt: now,
    endedAt: now,
  });
}

const lanes = Array.from({ length: task.lanes }, async () => {
  while (!ending) {
    try {
      await attempt();
    } catch {
      refused++;
      await sleep(5);
    }
  }
});

answer("refused", () => refused);
answer("health", () => ledger.health());
answer("end", async () => {
  ending = true;
  await Promise.all(lanes);
  await ledger.close();
  await plugin.close?.();
  return refused;
});
ready(0);
