import type { Cell, Sample } from "./measure.ts";
import { median } from "./measure.ts";

/** All slices of one target in one cell, in the order of the rounds. */
export interface Row {
  readonly target: string;
  readonly cell: Cell;
  readonly samples: Sample[];
}

/** Figures by target and cell. */
export class Rows {
  readonly #rows: Map<string, Row> = new Map();

  add(target: string, cell: Cell, sample: Sample): void {
    const key = keyOf(target, cell);
    const row = this.#rows.get(key);
    if (row === undefined) this.#rows.set(key, { target, cell, samples: [sample] });
    else row.samples.push(sample);
  }

  all(): readonly Row[] {
    return [...this.#rows.values()];
  }

  /** The median over the rounds of what two targets showed in the same round. */
  paired(target: string, other: string, cell: Cell, combine: (one: Sample, another: Sample) => number): number {
    const ours = this.#rows.get(keyOf(target, cell))?.samples ?? [];
    const theirs = this.#rows.get(keyOf(other, cell))?.samples ?? [];
    return median(ours.map((sample, round) => combine(sample, theirs[round] as Sample)));
  }
}

/** One line of the table, and of the JSON file. */
export function summary({ target, cell, samples }: Row): Readonly<Record<string, string | number>> {
  const of = (figure: keyof Sample, digits: number): number =>
    Number(median(samples.map((sample) => sample[figure])).toFixed(digits));
  return {
    target,
    load: cell.paced === true ? "paced" : cell.streamed ? "streamed" : "plain",
    connections: cell.connections,
    "req/s": of("requestsPerSecond", 0),
    "chunks/s": of("chunksPerSecond", 0),
    "p50 ms": of("p50Ms", 3),
    "p99 ms": of("p99Ms", 3),
    "first chunk ms": of("firstChunkMs", 3),
    "cpu µs/req": of("cpuMicros", 1),
    "cpu %": Math.round(of("cpuShare", 3) * 100),
    "rss MB": of("rssMegabytes", 1),
    "noise %": Math.round(of("noise", 3) * 100),
  };
}

/** Lines under one another, figures to the right; `-` where there is none. */
export function table(lines: readonly Readonly<Record<string, string | number>>[]): string {
  const names = Object.keys(lines[0] ?? {}).filter((name) => lines.some((line) => !absent(line[name])));
  const cells = lines.map((line) => names.map((name) => (absent(line[name]) ? "-" : String(line[name]))));
  const widths = names.map((name, column) => Math.max(name.length, ...cells.map((row) => row[column]?.length ?? 0)));
  return [names, ...cells]
    .map((row) =>
      row.map((text, column) => (column < 2 ? text.padEnd(widths[column] ?? 0) : text.padStart(widths[column] ?? 0))),
    )
    .map((row) => row.join("  "))
    .join("\n");
}

/** A figure that this load does not have. */
function absent(figure: string | number | undefined): boolean {
  return figure === undefined || figure === 0 || Number.isNaN(figure);
}

function keyOf(target: string, { streamed, connections, paced }: Cell): string {
  return `${target} ${streamed} ${connections} ${paced === true}`;
}
