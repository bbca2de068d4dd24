import { fileURLToPath } from "node:url";
import type { Deployment } from "@signalbox/kernel";
import type { RoutingOptions } from "@signalbox/plugin-routing";
import type { Check } from "../checks.ts";
import { atMost } from "../checks.ts";
import { ChildProgram } from "../child-program.ts";
import type { BenchResult } from "./bench.ts";
import { table } from "./rows.ts";

type StrategyChoice = NonNullable<RoutingOptions["strategy"]> & string;

/** Asked of the routing program: `cost`. */
export interface RoutingCostQuestion {
  readonly strategy: StrategyChoice;
  readonly deployments: number;
  /** How many of them are cooling down. */
  readonly ill: number;
  readonly calls: number;
}

export interface RoutingCost {
  readonly microsPerCall: number;
  readonly heapGrowthBytes: number;
}

/** Asked of the routing program: `shares`. */
export interface RoutingSharesQuestion {
  readonly options: RoutingOptions;
  /** One deployment each. */
  readonly facts: readonly Partial<Deployment>[];
  readonly latencyMs: readonly number[];
  readonly calls: number;
  readonly atOnce: number;
}

export interface RoutingShares {
  readonly shares: readonly number[];
}

const STRATEGIES: readonly StrategyChoice[] = [
  "simple-shuffle",
  "least-busy",
  "latency-based-routing",
  "cost-based-routing",
  "usage-based-routing",
  "priority",
];
const DEPLOYMENTS = 100;
const CALLS = 1_000_000;
const MOST_MICROS = 10;
/** A record that is kept for every call is worth dozens of bytes; what the engine still learns is less than one. */
const MOST_BYTES_PER_CALL = 1;

interface Distribution {
  readonly name: string;
  readonly question: Omit<RoutingSharesQuestion, "calls">;
  /** What the definition of the strategy gives. */
  readonly expected: readonly number[];
  /** Largest difference from it. */
  readonly tolerance: number;
}

const WEIGHTS = [1, 2, 3, 4, 10];
const PRICES = [3e-6, 1e-6, 2e-6, 5e-6];
const TPMS = [1_000_000, 2_000_000, 3_000_000, 4_000_000].map((tpm) => tpm * 10_000);
const LATENCIES = [200, 20, 100, 20];

/** The distribution of every strategy beside what its definition gives. */
const DISTRIBUTIONS: readonly Distribution[] = [
  {
    name: "simple-shuffle, weights 1 2 3 4 10",
    question: { options: {}, facts: WEIGHTS.map((weight) => ({ weight })), latencyMs: [], atOnce: 20 },
    expected: WEIGHTS.map((weight) => weight / 20),
    tolerance: 0.01,
  },
  {
    name: "least-busy, equal",
    question: { options: { strategy: "least-busy" }, facts: [{}, {}, {}, {}], latencyMs: [], atOnce: 20 },
    expected: [0.25, 0.25, 0.25, 0.25],
    tolerance: 0.01,
  },
  {
    name: "latency-based-routing, 200 20 100 20 ms",
    question: {
      options: { strategy: "latency-based-routing" },
      facts: LATENCIES.map(() => ({})),
      latencyMs: LATENCIES,
      atOnce: 4,
    },
    expected: [0, 0.5, 0, 0.5],
    tolerance: 0.06,
  },
  {
    name: "cost-based-routing, $3 $1 $2 $5",
    question: {
      options: { strategy: "cost-based-routing" },
      facts: PRICES.map((inputCostPerToken) => ({
        info: { inputCostPerToken, outputCostPerToken: inputCostPerToken },
      })),
      latencyMs: [],
      atOnce: 20,
    },
    expected: [0, 1, 0, 0],
    tolerance: 0,
  },
  {
    name: "usage-based-routing, tpm 1 2 3 4",
    question: {
      options: { strategy: "usage-based-routing" },
      facts: TPMS.map((tpm) => ({ tpm })),
      latencyMs: [],
      atOnce: 20,
    },
    expected: [0.1, 0.2, 0.3, 0.4],
    tolerance: 0.02,
  },
  {
    name: "priority, order 2 1 3",
    question: {
      options: { strategy: "priority" },
      facts: [{ order: 2 }, { order: 1 }, { order: 3 }],
      latencyMs: [],
      atOnce: 20,
    },
    expected: [0, 1, 0],
    tolerance: 0,
  },
];

/** What routing costs over 100 deployments, whether it keeps anything, and what it comes to. */
export async function runRouting(quick: boolean): Promise<BenchResult> {
  const path = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
  const program = await ChildProgram.start(path("dist/bench/programs/routing.js"), {
    probe: path("dist/probe.js"),
    node: ["--expose-gc"],
  });
  const checks: Check[] = [];
  const rows: Record<string, string | number>[] = [];
  const calls = quick ? CALLS / 10 : CALLS;
  for (const strategy of STRATEGIES) {
    const all: RoutingCostQuestion = { strategy, deployments: DEPLOYMENTS, ill: 0, calls };
    const well = await program.ask<RoutingCost>("cost", all);
    const ill = await program.ask<RoutingCost>("cost", { ...all, ill: 10, calls: calls / 10 });
    const bytes = well.heapGrowthBytes / calls;
    rows.push({
      strategy,
      "µs/call": round(well.microsPerCall),
      "µs/call, 10 cooling": round(ill.microsPerCall),
      "bytes kept/call": round(bytes),
    });
    checks.push(atMost(`${strategy}: routing over ${DEPLOYMENTS} deployments`, well.microsPerCall, MOST_MICROS, "µs"));
    checks.push(atMost(`${strategy}: the same, 10 of them cooling`, ill.microsPerCall, MOST_MICROS, "µs"));
    checks.push(atMost(`${strategy}: heap growth over ${calls} calls`, bytes, MOST_BYTES_PER_CALL, "bytes/call"));
  }
  console.log(`\n${table(rows)}\n`);
  const spread = await distributions(program, quick ? 10_000 : 100_000, checks);
  console.log(`${table(spread)}\n`);
  await program.stop();
  return { checks, rows: [...rows, ...spread] };
}

async function distributions(
  program: ChildProgram,
  calls: number,
  checks: Check[],
): Promise<Record<string, string | number>[]> {
  const rows: Record<string, string | number>[] = [];
  for (const { name, question, expected, tolerance } of DISTRIBUTIONS) {
    const { shares } = await program.ask<RoutingShares>("shares", { ...question, calls });
    const off = Math.max(...shares.map((share, index) => Math.abs(share - (expected[index] ?? 0))));
    rows.push({ distribution: name, expected: percents(expected), measured: percents(shares) });
    checks.push(atMost(`${name}: largest difference from the definition`, off, tolerance, "of the calls"));
  }
  return rows;
}

function percents(shares: readonly number[]): string {
  return shares.map((share) => `${(share * 100).toFixed(1)}%`).join(" ");
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
