import type { Check } from "../../checks.ts";
import { atLeast, atMost } from "../../checks.ts";
import type { RoundReport } from "./round.ts";

const COLUMNS = [
  "round",
  "kills",
  "served",
  "refused",
  "left",
  "failed",
  "charged",
  "bill $",
  "rows",
  "booked $",
  "more %",
  "s",
];

/** How many of a list of faults are shown. */
const SHOWN = 3;

/** Prints what was seen, a line for a round. */
export function printReports(reports: readonly RoundReport[]): void {
  const lines = reports.map(({ round, kills, fares, verdict, recoveryMs }) => [
    round,
    String(kills),
    String(fares.served),
    String(fares.refused),
    String(fares.left),
    String(fares.failed),
    String(verdict.charged),
    dollars(verdict.bill),
    String(verdict.rows),
    dollars(verdict.booked),
    overRecorded(verdict).toFixed(2),
    (recoveryMs / 1000).toFixed(1),
  ]);
  const widths = COLUMNS.map((name, at) => Math.max(name.length, ...lines.map((line) => (line[at] ?? "").length)));
  for (const line of [COLUMNS, ...lines]) {
    console.log(`  ${line.map((cell, at) => cell.padStart(widths[at] ?? 0)).join("  ")}`);
  }
  for (const { round, verdict, segments } of reports) {
    const { violations, missing, below, drift } = verdict;
    for (const [what, list] of Object.entries({ violations, missing, below, drift, segments })) {
      for (const one of list.slice(0, SHOWN)) console.log(`  ${round}: ${what}: ${one}`);
      if (list.length > SHOWN) console.log(`  ${round}: ${what}: and ${list.length - SHOWN} more`);
    }
  }
}

/** What must hold after every round. */
export function roundChecks({ round, verdict, excess, looks, segments, exits }: RoundReport): readonly Check[] {
  const name = (what: string): string => `${round}: ${what}`;
  return [
    atLeast(name("attempts that were charged"), verdict.charged, 100, ""),
    atMost(name("lines whose cap the bill passes"), verdict.violations.length, 0, ""),
    atMost(name("most that a counter was over its cap"), Number(excess), 0, "nano-dollars"),
    atLeast(name("looks at the counters"), looks, 5, ""),
    atMost(name("charged attempts without a row"), verdict.missing.length, 0, ""),
    atMost(name("rows that are there twice"), verdict.doubles, 0, ""),
    atMost(name("rows below what was charged"), verdict.below.length, 0, ""),
    atMost(name("lines on which ledger, counters and API differ"), verdict.drift.length, 0, ""),
    atMost(name("segments left in spools"), segments.length, 0, ""),
    atMost(name("milliseconds until the last process had ended"), exits.ms, 15_000, ""),
    atMost(name("processes that did not end by themselves"), exits.codes.filter((code) => code !== 0).length, 0, ""),
  ];
}

function overRecorded({ bill, booked }: { readonly bill: bigint; readonly booked: bigint }): number {
  return bill === 0n ? 0 : (Number(booked - bill) / Number(bill)) * 100;
}

function dollars(nano: bigint): string {
  return (Number(nano) / 1e9).toFixed(6);
}
