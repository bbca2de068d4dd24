// How many rows of a ledger reach their store, by its own way of writing and by the ledger's with its spool.

import type { Entry } from "@signalbox/kernel";
import { createGateway, IdSource } from "@signalbox/kernel";
import { answer, ready } from "../../probe.ts";
import { ledgerPlugins } from "../ledger-plugins.ts";
import type { LedgerRate, LedgerRateQuestion } from "../ledger-rate.ts";

const { ledger, plugins } = ledgerPlugins(process.argv.slice(2));
const gateway = await createGateway({ plugins });
const ids = new IdSource();

const BATCH = 1_000;
/** Batches that are under way together. */
const AT_ONCE = 4;

function entry(): Entry {
  const callId = ids.next();
  const now = Date.now();
  return {
    id: `${callId}/1`,
    callId,
    attempt: 1,
    operation: "chat",
    model: "bench",
    deployment: "bench-1",
    provider: "openai",
    scopes: [
      { kind: "gateway", id: "gateway" },
      { kind: "organization", id: "o-1" },
      { kind: "team", id: "t-1" },
      { kind: "user", id: "u-1" },
      { kind: "key", id: "k-1" },
      { kind: "provider", id: "openai" },
      { kind: "deployment", id: "bench-1" },
    ],
    lines: [
      { scope: { kind: "key", id: "k-1" }, period: "2026-11" },
      { scope: { kind: "team", id: "t-1" }, period: "2026-11" },
    ],
    usage: { inputTokens: 221, outputTokens: 97 },
    cost: 243_600n,
    billed: 243_600n,
    status: "final",
    finishReason: "stop",
    startedAt: now - 800,
    endedAt: now,
    priceVersion: "bench",
    metadata: { lane: "native", upstreamModel: "gpt-4.1-mini", upstreamStatus: 200 },
  };
}

/** Writes for a while, a few batches at once, and counts what is there for good. */
answer("rate", async ({ by, durationMs }: LedgerRateQuestion): Promise<LedgerRate> => {
  const { entryStore, ledger: whole } = ledger;
  const batch =
    by === "store"
      ? (): Promise<void> => entryStore.append(Array.from({ length: BATCH }, entry))
      : async (): Promise<void> => void (await Promise.all(Array.from({ length: BATCH }, () => whole.append(entry()))));
  const startedAt = performance.now();
  let rows = 0;
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      while (performance.now() - startedAt < durationMs) {
        await batch();
        rows += BATCH;
      }
    }),
  );
  const elapsedMs = performance.now() - startedAt;
  return { rowsPerSecond: (rows * 1_000) / elapsedMs, rssMegabytes: process.memoryUsage.rss() / 1024 / 1024 };
});

answer("close", async () => {
  await gateway.close();
});
ready(0);
