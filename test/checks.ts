import { writeFileSync } from "node:fs";

/** A measured figure beside what it has to reach. */
export interface Check {
  readonly name: string;
  readonly value: number;
  /** In words, with the unit: `>= 0.8 x floor`. */
  readonly goal: string;
  readonly pass: boolean;
}

export function atLeast(name: string, value: number, limit: number, unit: string): Check {
  return { name, value: rounded(value), goal: `>= ${limit} ${unit}`, pass: value >= limit };
}

export function atMost(name: string, value: number, limit: number, unit: string): Check {
  return { name, value: rounded(value), goal: `<= ${limit} ${unit}`, pass: value <= limit };
}

/** A figure without a number is a figure that was not reached: `pass` is false for NaN by the comparisons above. */
function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}

/** Prints the checks, writes them as JSON where that is asked for, and sets the exit code: 1 if one falls short. */
export function conclude(checks: readonly Check[], path?: string, details: object = {}): void {
  const width = Math.max(...checks.map(({ name }) => name.length));
  for (const { name, value, goal, pass } of checks) {
    console.log(`${pass ? "ok    " : "short "} ${name.padEnd(width)}  ${String(value).padStart(10)}  ${goal}`);
  }
  if (path !== undefined) writeFileSync(path, `${JSON.stringify({ checks, ...details }, undefined, 2)}\n`);
  if (checks.length === 0 || checks.some(({ pass }) => !pass)) process.exitCode = 1;
}
