import { parseArgs } from "node:util";

export interface BenchOptions {
  /** `gateway`: calls through a running gateway. `routing`: the choice among deployments alone. `money`: calls with budgets. `keys`: a million virtual keys. */
  readonly suite: Suite;
  readonly quick: boolean;
  /** Where to write the figures as JSON. */
  readonly json: string | undefined;
  readonly build: boolean;
  /** Folder with `node_modules/@portkey-ai/gateway`, to compare with. */
  readonly portkey: string | undefined;
  /** Parts of target names; empty: all. The floor is always measured. */
  readonly only: readonly string[];
  /** Sections to run. */
  readonly sections: readonly Section[];
  readonly pace: Pace;
  /** Of `reports`: over how many entries. */
  readonly rows: number;
}

export const SUITES = ["gateway", "routing", "money", "keys", "reports", "guard", "cache"] as const;
export type Suite = (typeof SUITES)[number];

export const SECTIONS = ["start", "plain", "streamed", "paced", "memory"] as const;
export type Section = (typeof SECTIONS)[number];

/** How long everything takes. */
export interface Pace {
  readonly rounds: number;
  readonly sliceMs: number;
  readonly warmUpMs: number;
  readonly pacedMs: number;
  readonly memoryMs: number;
  readonly starts: number;
}

const FULL: Pace = { rounds: 5, sliceMs: 1_000, warmUpMs: 2_500, pacedMs: 3_000, memoryMs: 60_000, starts: 7 };
const QUICK: Pace = { rounds: 3, sliceMs: 400, warmUpMs: 3_000, pacedMs: 1_500, memoryMs: 8_000, starts: 3 };

export const USAGE = `npm run bench -- [SUITE] [options]

  SUITE            ${SUITES.join(", ")}; default ${SUITES[0]}
  --quick          about a minute instead of about eight; memory after 8 s instead of 60 s
  --json FILE      also write the figures to FILE
  --no-build       take the built packages as they are
  --portkey DIR    compare with @portkey-ai/gateway, installed in DIR (default: this repository)
  --only NAMES     only targets whose names contain one of these, comma-separated
  --rows NUMBER    of reports: over how many entries; default 10000000
  --sections NAMES ${SECTIONS.join(", ")}; default all`;

/** @throws {TypeError} for arguments that nobody knows */
export function readOptions(words: readonly string[]): BenchOptions | undefined {
  const { values, positionals } = parseArgs({
    args: [...words],
    allowPositionals: true,
    allowNegative: true,
    options: {
      quick: { type: "boolean", default: false },
      json: { type: "string" },
      build: { type: "boolean", default: true },
      portkey: { type: "string" },
      only: { type: "string", default: "" },
      sections: { type: "string", default: SECTIONS.join(",") },
      rows: { type: "string", default: "10000000" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return undefined;
  const [suite = SUITES[0], ...more] = positionals as Suite[];
  if (!SUITES.includes(suite) || more.length > 0) {
    throw new TypeError(`there is no suite "${positionals.join(" ")}"; choose one of ${SUITES.join(", ")}`);
  }
  const sections = values.sections.split(",") as Section[];
  const unknown = sections.find((section) => !SECTIONS.includes(section));
  if (unknown !== undefined)
    throw new TypeError(`there is no section "${unknown}"; choose from ${SECTIONS.join(", ")}`);
  return {
    suite,
    quick: values.quick,
    json: values.json,
    build: values.build,
    portkey: values.portkey,
    only: values.only.split(",").filter((name) => name !== ""),
    sections,
    pace: values.quick ? QUICK : FULL,
    rows: wholeNumber(values.rows),
  };
}

function wholeNumber(text: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 1) throw new TypeError("--rows must be a number of entries");
  return number;
}
