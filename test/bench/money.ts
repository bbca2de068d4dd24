import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import type { Check } from "../checks.ts";
import { atLeast, atMost } from "../checks.ts";
import type { ChildProgram } from "../child-program.ts";
import { canPin } from "../child-program.ts";
import { startPostgres } from "../services/postgres.ts";
import { startRedis } from "../services/redis.ts";
import type { BenchResult } from "./bench.ts";
import type { Pace } from "./bench-options.ts";
import { DelayingProxy } from "./delaying-proxy.ts";
import type { LedgerRate, LedgerRateQuestion } from "./ledger-rate.ts";
import type { Cell, Running } from "./measure.ts";
import { Measurer } from "./measure.ts";
import { roundTrips } from "./round-trips.ts";
import { Rows, summary, table } from "./rows.ts";
import type { Target } from "./targets.ts";
import { FLOOR, LOAD_CORE, startProgram, TARGET_CORE } from "./targets.ts";

const ALONE: Cell = { streamed: false, connections: 1 };
const BUSY: Cell = { streamed: false, connections: 32 };
const ROWS_MS = 20_000;
const QUICK_ROWS_MS = 4_000;
/** What a server that was started here is told; one that was given has settings of its own. */
const DURABLE = ["fsync=on", "synchronous_commit=on", "full_page_writes=on"];

/** What of it two servers can be, and what a process may still have of its own. */
interface Stores {
  readonly folder: string;
  readonly redis: string;
  readonly database: string;
  readonly stop: () => Promise<void>;
}

/** What keys, limits, a hard budget and a ledger cost, in one process and with Redis and PostgreSQL. */
export async function runMoney(quick: boolean, pace: Pace): Promise<BenchResult> {
  const stores = await startStores();
  try {
    const checks: Check[] = [];
    const rows = [...(await calls(stores, pace, checks)), ...(await trips(stores, checks))];
    rows.push(...(await rates(stores, quick ? QUICK_ROWS_MS : ROWS_MS, checks)));
    return { checks, rows };
  } finally {
    await stores.stop();
  }
}

/** Servers run where the load runs: the target has its processor to itself. */
async function startStores(): Promise<Stores> {
  const folder = mkdtempSync(join(tmpdir(), "signalbox-bench-"));
  chmodSync(folder, 0o700);
  if (canPin()) execFileSync("taskset", ["-a", "-p", "-c", String(LOAD_CORE), String(process.pid)]);
  const redis = await startRedis();
  const postgres = await startPostgres(DURABLE);
  return {
    folder,
    redis: redis.url,
    database: postgres.url,
    async stop() {
      await redis.stop();
      await postgres.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function target(name: string, about: string, words: readonly string[]): Target {
  const headers: Record<string, string> = {};
  return {
    name,
    about,
    path: FLOOR.path,
    headers,
    async start(upstream) {
      const program = await startProgram("signalbox-money", TARGET_CORE, upstream, ...words);
      headers.authorization = `Bearer ${await program.ask<string>("key")}`;
      return program;
    },
  };
}

async function calls(
  { folder, redis, database }: Stores,
  pace: Pace,
  checks: Check[],
): Promise<Record<string, string | number>[]> {
  const upstream = await startProgram("upstream", LOAD_CORE);
  const measurer = new Measurer(await startProgram("load", LOAD_CORE), upstream);
  const embedded = target("money sqlite", "keys, limits, hard budget, prices; SQLite", [own(folder, "calls")]);
  const shared = target("money shared", "the same with Redis and PostgreSQL", [
    own(folder, "shared"),
    await ownDatabase(database, "calls"),
    redis,
  ]);
  const running: Running[] = [];
  for (const each of [FLOOR, embedded, shared]) {
    console.log(`  ${each.name.padEnd(20)} ${each.about}`);
    const program = (await each.start?.(`http://127.0.0.1:${upstream.ready.port}`)) as ChildProgram;
    running.push({ target: each, port: program.ready.port, program });
  }
  for (const each of running) await measurer.warmUp(each, false, pace.warmUpMs);
  const rows = new Rows();
  for (let round = 0; round < pace.rounds * 2; round++) {
    for (const cell of [ALONE, BUSY]) {
      for (const each of round % 2 === 0 ? running : running.toReversed()) {
        // Redis and PostgreSQL look like somebody else at work
        const sample =
          each.target === shared ? measurer.once(each, cell, pace.sliceMs) : measurer.slice(each, cell, pace.sliceMs);
        rows.add(each.target.name, cell, await sample);
      }
    }
  }
  for (const { program } of running) await program?.stop();
  const lines = rows.all().map(summary);
  console.log(`\n${table(lines)}\n`);
  for (const [name, least] of [
    [embedded.name, 0.55],
    [shared.name, 0.35],
  ] as const) {
    const ratio = rows.paired(
      name,
      FLOOR.name,
      BUSY,
      (ours, floor) => ours.requestsPerSecond / floor.requestsPerSecond,
    );
    checks.push(atLeast(`requests/s, ${name}, at 32, to floor`, ratio, least, "x floor"));
  }
  const added = (name: string): number =>
    rows.paired(name, FLOOR.name, ALONE, (ours, floor) => ours.p50Ms - floor.p50Ms);
  checks.push(atMost(`p50 at 1, ${embedded.name}, over floor`, added(embedded.name), 0.3, "ms"));
  checks.push(atMost(`p50 at 1, ${shared.name}, over floor`, added(shared.name), 0.3, "ms"));
  return lines.map((line) => ({ ...line }));
}

/** How often one call waits for Redis, seen by what it waits when Redis answers late. */
async function trips({ folder, redis, database }: Stores, checks: Check[]): Promise<Record<string, string | number>[]> {
  const proxy = await DelayingProxy.open(redis);
  try {
    const { before, after } = await roundTrips(proxy, async (upstream) => {
      const words = [own(folder, "trips"), await ownDatabase(database, "trips"), proxy.url];
      const program = await startProgram("signalbox-money", TARGET_CORE, upstream, ...words);
      return { program, key: await program.ask<string>("key") };
    });
    checks.push(atMost("round trips to Redis before the upstream is called", before, 1, "trips"));
    checks.push(atMost("round trips to Redis after the upstream's answer, before ours", after, 0, "trips"));
    return [{ what: "round trips to Redis", before, after }];
  } finally {
    proxy.close();
  }
}

async function rates(
  { folder, database }: Stores,
  durationMs: number,
  checks: Check[],
): Promise<Record<string, string | number>[]> {
  const rows: Record<string, string | number>[] = [];
  for (const by of ["store", "ledger"] as const) {
    for (const store of ["sqlite", "postgres"] as const) {
      const name = `${store}-${by}`;
      const words = [own(folder, name)];
      if (store === "postgres") words.push(await ownDatabase(database, name));
      const program = await startProgram("ledger", TARGET_CORE, ...words);
      const question: LedgerRateQuestion = { by, durationMs };
      const { rowsPerSecond, rssMegabytes } = await program.ask<LedgerRate>("rate", question);
      await program.ask("close");
      await program.stop();
      const way = by === "store" ? "written in batches" : "through the ledger and its spool";
      rows.push({ store, way, "rows/s": Math.round(rowsPerSecond), "rss MB": Math.round(rssMegabytes) });
      if (by === "store") {
        const least = store === "sqlite" ? 50_000 : 20_000;
        checks.push(atLeast(`rows/s into ${store} for ${durationMs / 1_000} s`, rowsPerSecond, least, "rows/s"));
      }
    }
  }
  console.log(`${table(rows)}\n`);
  return rows;
}

function own(folder: string, name: string): string {
  return mkdtempSync(join(folder, `${name}-`));
}

async function ownDatabase(server: string, name: string): Promise<string> {
  const database = `bench_${name.replaceAll("-", "_")}_${process.pid}`;
  const client = new pg.Client({ connectionString: server });
  await client.connect();
  try {
    await client.query(`DROP DATABASE IF EXISTS ${database} WITH (FORCE)`);
    await client.query(`CREATE DATABASE ${database}`);
  } finally {
    await client.end();
  }
  const url = new URL(server);
  url.pathname = `/${database}`;
  return url.href;
}
