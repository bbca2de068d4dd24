import type { Check } from "../checks.ts";
import { atLeast, atMost } from "../checks.ts";
import type { ChildProgram } from "../child-program.ts";
import { OwnRedis } from "../redis/own-redis.ts";
import type { BenchResult } from "./bench.ts";
import type { Pace } from "./bench-options.ts";
import type { Cell, Running } from "./measure.ts";
import { Measurer } from "./measure.ts";
import { Rows, summary, table } from "./rows.ts";
import type { Target } from "./targets.ts";
import { DIRECT, LOAD_CORE, startProgram, TARGET_CORE } from "./targets.ts";

const ALONE: Cell = { streamed: false, connections: 1 };
const CELLS: readonly Cell[] = [ALONE, { streamed: false, connections: 32 }];
const STREAMED: readonly Cell[] = [
  { streamed: true, connections: 1 },
  { streamed: true, connections: 32 },
];
const MOST_MEMORY_MS = 0.06;
const MOST_REDIS_MS = 0.4;
const LARGE_BYTES = 400_000;
const MOST_KEY_MS = 1.5;
/** Of the streamed throughput without a cache. */
const LEAST_MISS = 0.85;

/** What an answer from a cache costs beside a reply that is always the same, and what a miss costs. */
export async function runCache(pace: Pace): Promise<BenchResult> {
  const redis = await OwnRedis.start();
  const upstream = await startProgram("upstream", LOAD_CORE);
  const measurer = new Measurer(await startProgram("load", LOAD_CORE), upstream);
  const url = `http://127.0.0.1:${upstream.ready.port}`;
  const key = DIRECT.headers["authorization"]?.replace("Bearer ", "") ?? "";
  const start = async (name: string, program: Promise<ChildProgram>): Promise<Running> => {
    const target: Target = { ...DIRECT, name, about: name };
    const child = await program;
    return { target, port: child.ready.port, program: child };
  };
  const cached = (name: string, store: string): Promise<Running> =>
    start(name, startProgram("signalbox-cache", TARGET_CORE, url, key, store, String(redis.port)));
  const floor = await start("static", startProgram("static-reply", TARGET_CORE));
  const memory = await cached("memory hit", "memory");
  const shared = await cached("redis hit", "redis");
  const off = await cached("no cache", "off");
  const miss = await cached("miss", "miss");
  const rows = new Rows();
  const rounds = async (running: readonly Running[], cells: readonly Cell[]): Promise<void> => {
    for (const each of running) {
      await measurer.first(each);
      await measurer.warmUp(each, cells[0]?.streamed === true, pace.warmUpMs);
    }
    for (let round = 0; round < pace.rounds; round++) {
      for (const cell of cells) {
        for (const each of round % 2 === 0 ? running : running.toReversed()) {
          rows.add(each.target.name, cell, await measurer.slice(each, cell, pace.sliceMs));
        }
      }
    }
  };
  try {
    await rounds([floor, memory, shared, off, miss], CELLS);
    await rounds([memory, shared, off, miss], STREAMED);
    const program = memory.program as ChildProgram;
    const keyMs = await program.ask<number>("keyMs", { bytes: LARGE_BYTES, native: true });
    const canonicalMs = await program.ask<number>("keyMs", { bytes: LARGE_BYTES, native: false });
    console.log(`\n${table(rows.all().map(summary))}\n`);
    console.log(
      `key of a request of 400 kB: ${keyMs.toFixed(2)} ms as written, ${canonicalMs.toFixed(2)} ms canonical\n`,
    );
    const over = (name: string): number => rows.paired(name, "static", ALONE, (ours, bare) => ours.p50Ms - bare.p50Ms);
    const busy = STREAMED[1] as Cell;
    const missed = rows.paired("miss", "no cache", busy, (ours, bare) => ours.chunksPerSecond / bare.chunksPerSecond);
    const checks: Check[] = [
      atMost("memory hit over a static reply, p50", over("memory hit"), MOST_MEMORY_MS, "ms"),
      atMost("Redis hit over a static reply, p50", over("redis hit"), MOST_REDIS_MS, "ms"),
      atMost("key of a request of 400 kB", Math.max(keyMs, canonicalMs), MOST_KEY_MS, "ms"),
      atLeast("chunks/s of streams that miss, to no cache", missed, LEAST_MISS, "x"),
    ];
    return { checks, rows: rows.all().map(summary) };
  } finally {
    await redis.stop();
  }
}
