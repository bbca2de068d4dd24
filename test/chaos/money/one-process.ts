import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { openCharging } from "../../budgets/charging-upstream.ts";
import type { Check } from "../../checks.ts";
import { atLeast, atMost } from "../../checks.ts";
import { GatewayProgram } from "../gateway-program.ts";

/** Until the budget is spent. */
export const KILLS = 20;
/** Until the process is killed, from the first call of a round. */
const ROUND_MS = 700;
const MOST_MORE_ROUNDS = 60;
const CLIENTS = 32;
/** Nano-dollars: reached before the last round. */
const LIMIT = 300_000_000;

/** What the ledger says when everything is over. */
interface Booked {
  readonly nano: number;
  /** Attempts that may have cost something. */
  readonly rows: number;
  readonly doubles: number;
}

/** One gateway with everything in a file is killed again and again under load. */
export async function oneProcess(kills: number): Promise<readonly Check[]> {
  const folder = mkdtempSync(join(tmpdir(), "money-"));
  const file = join(folder, "ledger.db");
  const upstream = await openCharging();
  let refused = 0;
  let served = 0;
  for (let kill = 0; kill < kills; kill++) {
    const gateway = await start(upstream.url, file);
    const stopping = sleep(ROUND_MS + ((kill * 7919) % 200)).then(() => gateway.stop());
    const counts = await drive(gateway, stopping);
    refused += counts.refused;
    served += counts.served;
  }
  // the last start books what the last kill has left
  const last = await start(upstream.url, file);
  // on a slow machine there is something left to spend
  for (let more = 0; kills >= KILLS && refused === 0 && more < MOST_MORE_ROUNDS; more++) {
    const counts = await drive(last, sleep(ROUND_MS));
    refused += counts.refused;
    served += counts.served;
  }
  await sleep(500);
  await last.stop();
  const { nano, rows, doubles } = booked(file);
  const bill = Number(upstream.bill);
  console.log(
    `  ${kills} kills; ${served} calls served, ${refused} refused; the upstream had ${upstream.calls} calls and charged ${bill}, ` +
      `the ledger has ${rows} rows and ${nano} (${(((nano - bill) / bill) * 100).toFixed(2)} % more) of ${LIMIT} nano-dollars`,
  );
  const calls = upstream.calls;
  await upstream.close();
  rmSync(folder, { recursive: true, force: true });
  return [
    atLeast("calls that were served", served, 25 * kills, ""),
    atMost("the upstream's bill", bill, LIMIT, "nano-dollars"),
    atMost("what is booked", nano, LIMIT, "nano-dollars"),
    atLeast("what is booked, beside the bill", nano, bill, "nano-dollars"),
    atLeast("rows of attempts that were sent", rows, calls, "calls at the upstream"),
    atMost("rows that are there twice", doubles, 0, ""),
    // long enough to spend all
    ...(kills < KILLS ? [] : [atLeast("calls that the budget refused", refused, 1, "")]),
  ];
}

function start(upstream: string, file: string): Promise<GatewayProgram> {
  const words = [file, String(LIMIT)];
  return GatewayProgram.start(upstream, { program: "programs/money-gateway.ts", arguments: words });
}

/** Calls of many clients, half of them streamed, until the gateway is gone. */
async function drive(
  { port, key }: GatewayProgram,
  stopping: Promise<void>,
): Promise<{ readonly served: number; readonly refused: number }> {
  let served = 0;
  let refused = 0;
  let over = false;
  void stopping.then(() => {
    over = true;
  });
  const worker = async (index: number): Promise<void> => {
    for (let call = index; !over; call += CLIENTS) {
      try {
        const response = await fetch(`http://127.0.0.1:${port}/v1/chat/completions`, {
          method: "POST",
          headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
          body: JSON.stringify({
            model: "paid",
            max_tokens: 40,
            stream: call % 2 === 0,
            messages: [{ role: "user", content: `words=${5 + (call % 30)} gap=1 wait=${call % 10}` }],
          }),
        });
        await response.text();
        if (response.status === 200) served += 1;
        else if (response.status === 429) refused += 1;
      } catch {
        // the gateway was killed in the middle of it
        await sleep(10);
      }
    }
  };
  await Promise.all([stopping, ...Array.from({ length: CLIENTS }, (_, index) => worker(index))]);
  return { served, refused };
}

function booked(file: string): Booked {
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    const sums = database
      .prepare(
        "SELECT COALESCE(SUM(cost_nano), 0) AS nano, COUNT(*) AS rows FROM spend_logs WHERE cost_status <> 'void'",
      )
      .get() as { nano: number; rows: number };
    const twice = database
      .prepare("SELECT COUNT(*) - COUNT(DISTINCT call_id || '/' || attempt) AS doubles FROM spend_logs")
      .get() as { doubles: number };
    return { ...sums, ...twice };
  } finally {
    database.close();
  }
}
