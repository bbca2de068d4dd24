import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as breathe } from "node:timers/promises";
import type { EntryStore } from "@signalbox/kernel";
import { postgresLedger } from "@signalbox/plugin-ledger-postgres";
import { sqliteLedger } from "@signalbox/plugin-ledger-sqlite";
import type { Check } from "../checks.ts";
import { atMost } from "../checks.ts";
import { startPostgres } from "../services/postgres.ts";
import type { BenchResult } from "./bench.ts";
import { cloneEntries, waitingEntries } from "./cloned-entries.ts";
import { FIRST_DAY, LAST_DAY, reportedEntry } from "./reported-entries.ts";

const DAY_MS = 86_400_000;
const BATCH = 1_000;
/** More than these are cloned, where a store can: written one by one they would take half an hour. */
const ORIGINALS = 20_000;
/** Batches under way at once, where a store takes several. */
const AT_ONCE = 4;
const BATCHES_PER_LOOK = 500;
const MOST_MS = 1_000;
const TIMES = 3;
const STORES = ["sqlite", "postgres"] as const;

type Ask = (store: EntryStore) => Promise<unknown>;

const month = { from: LAST_DAY - 30 * DAY_MS, to: LAST_DAY };
const all = { from: FIRST_DAY, to: LAST_DAY };
const team = { kind: "team", id: "t-7" };

/** What dashboards ask for. */
const REPORTS: Readonly<Record<string, Ask>> = {
  "everything that was ever spent": (store) => store.spent({}),
  "a team, for ever": (store) => store.spent({ scope: team }),
  "days of a month": (store) => store.report({ ...month, groupBy: ["day"] }),
  "days of a month, Johannesburg": (store) =>
    store.report({ ...month, groupBy: ["day"], timezone: "Africa/Johannesburg" }),
  "days × teams, a month": (store) => store.report({ ...month, groupBy: ["day", "team"] }),
  "days × teams × models × keys, a month": (store) =>
    store.report({ ...month, groupBy: ["day", "team", "model", "key"] }),
  "days × models of a team, all": (store) => store.report({ ...all, scope: team, groupBy: ["day", "model"] }),
  "days × keys of a team, Berlin": (store) =>
    store.report({ ...month, scope: team, groupBy: ["day", "key"], timezone: "Europe/Berlin" }),
  "days, all": (store) => store.report({ ...all, groupBy: ["day"] }),
  "keys, all": (store) => store.report({ ...all, groupBy: ["key"] }),
  "models × providers, all": (store) => store.report({ ...all, groupBy: ["model", "provider"] }),
  "tags, all": (store) => store.report({ ...all, groupBy: ["tag"] }),
  "days of a tag, a month": (store) =>
    store.report({ ...month, scope: { kind: "tag", id: "project-7" }, groupBy: ["day", "model"] }),
  "customers, all": (store) => store.report({ ...all, groupBy: ["customer"] }),
  "newest entries": (store) => store.list({ limit: 50 }),
  "newest failures of a team": (store) => store.list({ scope: team, failed: true, limit: 50 }),
  "the tenth page of a key": (store) => store.list({ scope: { kind: "key", id: "k-70" }, limit: 50, offset: 450 }),
  "how many of a team and a model": (store) => store.count({ scope: team, model: "gpt-5", ...month }, 100_000),
};

interface Loaded {
  readonly store: EntryStore;
  /** Returns when sums hold every row. */
  settle(): Promise<unknown>;
  /** Makes so many clones of each entry. */
  clone?(times: number): Promise<void>;
  /** How many entries no sum holds yet. */
  waiting?(): Promise<number>;
  close(): Promise<void>;
}

async function openStore(name: string): Promise<Loaded> {
  const folder = mkdtempSync(join(tmpdir(), "signalbox-reports-"));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  if (name === "sqlite") {
    const plugin = sqliteLedger({ file: join(folder, "ledger.sqlite") });
    await plugin.setup?.(undefined as never);
    return {
      store: plugin.entryStore,
      settle: async () => undefined,
      async close() {
        await plugin.close?.();
        remove();
      },
    };
  }
  const service = await startPostgres(["max_wal_size=8GB", "checkpoint_timeout=30min"]);
  const plugin = postgresLedger({ url: service.url, pool: AT_ONCE + 1, statementTimeoutMs: 120_000 });
  await plugin.setup?.(undefined as never);
  return {
    store: plugin.entryStore,
    settle: () => plugin.maintain(),
    clone: (times) => cloneEntries(service.url, times),
    waiting: () => waitingEntries(service.url),
    async close() {
      await plugin.close?.();
      await service.stop();
      remove();
    },
  };
}

async function load(loaded: Loaded, rows: number): Promise<void> {
  const { store, settle, clone, waiting } = loaded;
  const cloned = clone !== undefined && rows >= 2 * ORIGINALS;
  await write(store, cloned ? ORIGINALS : rows);
  if (cloned) await clone(Math.round(rows / ORIGINALS) - 1);
  const left = await waiting?.();
  const begun = performance.now();
  await settle();
  if (left === undefined) return;
  const seconds = (performance.now() - begun) / 1_000;
  const rate = Math.round(left / seconds);
  console.log(`  the sums of the last ${left} rows: ${seconds.toFixed(1)} s, ${rate} rows a second`);
}

async function write(store: EntryStore, rows: number): Promise<void> {
  const batches = Math.ceil(rows / BATCH);
  let next = 0;
  const one = async (): Promise<void> => {
    while (next < batches) {
      const start = next++ * BATCH;
      const length = Math.min(BATCH, rows - start);
      await store.append(Array.from({ length }, (_, offset) => reportedEntry(start + offset, rows)));
      if (start % (BATCHES_PER_LOOK * BATCH) === 0 && start > 0) console.log(`  ${start} rows`);
      await breathe();
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
}

/** How long the reports take that dashboards ask for, over so many entries in each store. */
export async function runReports(rows: number, only: readonly string[]): Promise<BenchResult> {
  const checks: Check[] = [];
  for (const name of STORES.filter((store) => only.length === 0 || only.includes(store))) {
    const loaded = await openStore(name);
    try {
      const begun = performance.now();
      await load(loaded, rows);
      const seconds = (performance.now() - begun) / 1_000;
      console.log(`${name}: ${rows} rows in ${seconds.toFixed(0)} s, sums included`);
      for (const [what, ask] of Object.entries(REPORTS)) {
        let slowest = 0;
        for (let time = 0; time < TIMES; time++) {
          const start = performance.now();
          await ask(loaded.store);
          slowest = Math.max(slowest, performance.now() - start);
        }
        checks.push(atMost(`${name}: ${what}`, slowest, MOST_MS, "ms, the slowest of three"));
      }
    } finally {
      await loaded.close();
    }
  }
  return { checks, rows: [] };
}
