import { fileURLToPath } from "node:url";
import type { Check } from "../checks.ts";
import { atMost } from "../checks.ts";
import { ChildProgram } from "../child-program.ts";
import type { BenchResult } from "./bench.ts";
import { table } from "./rows.ts";

/** Asked of the keys program: `figures`. */
export interface KeysQuestion {
  readonly keys: number;
  /** Copies that are kept of keys. */
  readonly cacheSize: number;
  /** URL of an empty PostgreSQL; without it, the keys are in a file of SQLite. */
  readonly database?: string;
}

export interface KeysFigures {
  readonly fillSeconds: number;
  readonly coldP50Micros: number;
  readonly coldP99Micros: number;
  readonly cachedMicros: number;
  /** Heap for as many copies as are kept. */
  readonly fullBytes: number;
  /** What three times as many keys add to it. */
  readonly grownBytes: number;
  readonly rssBytes: number;
  /** Milliseconds. */
  readonly listings: readonly { readonly name: string; readonly p50: number }[];
}

const KEYS = 1_000_000;
const CACHE_SIZE = 20_000;
const MOST_CACHED_MICROS = 50;
const MOST_LISTING_MS = 100;
const LAST_PAGE = "the last page";
const MOST_GROWN_BYTES = 8 * 1_024 * 1_024;

/** What finding and listing virtual keys costs, where there are a million of them in SQLite. */
export async function runKeys(quick: boolean): Promise<BenchResult> {
  const path = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
  const program = await ChildProgram.start(path("dist/bench/programs/keys.js"), {
    probe: path("dist/probe.js"),
    node: ["--expose-gc"],
  });
  const keys = quick ? KEYS / 10 : KEYS;
  const database = process.env["BENCH_DATABASE_URL"];
  const question: KeysQuestion = { keys, cacheSize: CACHE_SIZE, ...(database !== undefined && { database }) };
  const figures = await program.ask<KeysFigures>("figures", question);
  await program.stop();
  const rows = [
    { figure: `filled with ${keys} keys, s`, value: round(figures.fillSeconds) },
    { figure: "a key that is known, µs", value: round(figures.cachedMicros) },
    { figure: "a key that is not, p50 µs", value: round(figures.coldP50Micros) },
    { figure: "a key that is not, p99 µs", value: round(figures.coldP99Micros) },
    { figure: `heap for ${CACHE_SIZE} copies, MiB`, value: mebibytes(figures.fullBytes) },
    { figure: "and after 60000 keys more, MiB", value: mebibytes(figures.grownBytes) },
    { figure: "resident memory, MiB", value: mebibytes(figures.rssBytes) },
    ...figures.listings.map(({ name, p50 }) => ({ figure: `list: ${name}, p50 ms`, value: round(p50) })),
  ];
  console.log(`\n${table(rows)}\n`);
  const checks: Check[] = [
    atMost("a key that is known", figures.cachedMicros, MOST_CACHED_MICROS, "µs"),
    atMost("heap that keys beyond the copies add", figures.grownBytes, MOST_GROWN_BYTES, "bytes"),
    // whoever leafs to the end of a million waits for all that is skipped
    ...figures.listings
      .filter(({ name }) => name !== LAST_PAGE)
      .map(({ name, p50 }) => atMost(`list: ${name}, p50`, p50, MOST_LISTING_MS, "ms")),
  ];
  return { checks, rows };
}

function mebibytes(bytes: number): number {
  return round(bytes / 1_048_576);
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
