// `npm run bench`: what a call through Signalbox costs, beside the same call through a bare gateway. See
// docs/performance.md.
import { spawnSync } from "node:child_process";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { conclude } from "../checks.ts";
import { ChildProgram, canPin } from "../child-program.ts";
import type { BenchResult } from "./bench.ts";
import { runBench } from "./bench.ts";
import type { BenchOptions } from "./bench-options.ts";
import { readOptions, USAGE } from "./bench-options.ts";
import { runCache } from "./cache.ts";
import { runGuard } from "./guard.ts";
import { runGuardedStreams } from "./guarded-streams.ts";
import { runKeys } from "./keys.ts";
import { runMoney } from "./money.ts";
import { runReports } from "./reports.ts";
import { runRouting } from "./routing.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const PACKAGES = [
  "express",
  "plugin-budgets",
  "plugin-cache-memory",
  "plugin-cache-redis",
  "plugin-config",
  "plugin-fallbacks",
  "plugin-guardrails",
  "plugin-keys",
  "plugin-ledger-postgres",
  "plugin-ledger-sqlite",
  "plugin-limits",
  "plugin-pricing",
  "plugin-redis",
  "plugin-routing",
  "provider-anthropic",
  "provider-openai",
];

function compile(...words: readonly string[]): boolean {
  return spawnSync("node_modules/.bin/tsc", words, { cwd: ROOT, stdio: "inherit" }).status === 0;
}

/** What is measured is plain JavaScript, as it would be published: type stripping costs time and memory at the start. */
function build(packages: boolean): void {
  if (packages && !compile("-b", ...PACKAGES.map((name) => `packages/${name}`), "examples/gateway")) {
    throw new Error("the packages do not build; mend them, or measure what was built before with --no-build");
  }
  if (!compile("-p", "test/bench")) throw new Error("the benchmark's programs do not build");
}

function run(options: BenchOptions): Promise<BenchResult> {
  if (options.suite === "routing") return runRouting(options.quick);
  if (options.suite === "cache") return runCache(options.pace);
  if (options.suite === "guard") return guard(options);
  if (options.suite === "reports") return runReports(options.rows, options.only);
  if (options.suite === "keys") return runKeys(options.quick);
  return options.suite === "money" ? runMoney(options.quick, options.pace) : runBench(options);
}

/** `--sections streamed`: what guardrails cost streams over HTTP, alone; `plain`: what the detectors cost. */
async function guard({ quick, pace, sections }: BenchOptions): Promise<BenchResult> {
  const results = [
    ...(sections.includes("plain") ? [await runGuard(quick)] : []),
    ...(sections.includes("streamed") ? [await runGuardedStreams(pace)] : []),
  ];
  return { checks: results.flatMap(({ checks }) => checks), rows: results.flatMap(({ rows }) => rows) };
}

const options = readOptions(process.argv.slice(2));
if (options === undefined) console.log(USAGE);
else {
  build(options.build);
  const pinned = canPin() && cpus().length > 1;
  console.log(
    `Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model ?? "unknown processor"}; ` +
      (pinned
        ? "target on one processor, load and upstream on another"
        : "processes are not pinned: without taskset and two processors figures vary more"),
  );
  try {
    const { checks, rows } = await run(options);
    conclude(checks, options.json, { node: process.version, quick: options.quick, rows });
  } finally {
    await ChildProgram.stopAll();
  }
}
