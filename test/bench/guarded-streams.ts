import type { Check } from "../checks.ts";
import { atLeast } from "../checks.ts";
import type { BenchResult } from "./bench.ts";
import type { Pace } from "./bench-options.ts";
import type { Cell, Running } from "./measure.ts";
import { Measurer } from "./measure.ts";
import { Rows, summary, table } from "./rows.ts";
import { DIRECT, LOAD_CORE, startProgram, TARGET_CORE } from "./targets.ts";

const CELLS: readonly Cell[] = [
  { streamed: true, connections: 1 },
  { streamed: true, connections: 32 },
];
/** Of the streamed throughput without a guardrail. */
const LEAST = 0.85;

/** What a guardrail of replies costs a gateway that streams as fast as it can, in turns with one that has none. */
export async function runGuardedStreams(pace: Pace): Promise<BenchResult> {
  const upstream = await startProgram("upstream", LOAD_CORE);
  const measurer = new Measurer(await startProgram("load", LOAD_CORE), upstream);
  const url = `http://127.0.0.1:${upstream.ready.port}`;
  const key = DIRECT.headers["authorization"]?.replace("Bearer ", "") ?? "";
  const running: Running[] = [];
  for (const name of ["no guardrail", "bare", "masking"]) {
    const program = await startProgram("signalbox-guard", TARGET_CORE, url, name, key);
    running.push({ target: { ...DIRECT, name, about: name }, port: program.ready.port, program });
  }
  const rows = new Rows();
  for (const each of running) {
    await measurer.first(each);
    await measurer.warmUp(each, true, pace.warmUpMs);
  }
  for (let round = 0; round < pace.rounds; round++) {
    for (const cell of CELLS) {
      for (const each of round % 2 === 0 ? running : running.toReversed()) {
        rows.add(each.target.name, cell, await measurer.slice(each, cell, pace.sliceMs));
      }
    }
  }
  console.log(`\n${table(rows.all().map(summary))}\n`);
  const busy = CELLS[1] as Cell;
  const checks: Check[] = ["bare", "masking"].map((name) => {
    const share = rows.paired(name, "no guardrail", busy, (ours, bare) => ours.chunksPerSecond / bare.chunksPerSecond);
    return atLeast(`chunks/s of streams, ${name}, to no guardrail`, share, LEAST, "x");
  });
  return { checks, rows: rows.all().map(summary) };
}
