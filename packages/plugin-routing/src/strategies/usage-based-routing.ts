import type { Call, Deployment, Outcome, SharedState, Strategy } from "@signalbox/kernel";
import { estimatedTokens, totalTokens } from "@signalbox/kernel";
import type { UsageOptions } from "../options.ts";
import type { StrategyParts } from "./choice.ts";
import { choosing, randomLeast } from "./choice.ts";
import type { DeploymentRecord } from "./deployment-records.ts";
import { DeploymentRecords } from "./deployment-records.ts";
import { SharedCount } from "./shared-count.ts";

const MINUTE_MS = 60_000;

/** Tokens of one deployment in the running window. */
class UsedRecord implements DeploymentRecord {
  inFlight = 0;
  gone = false;
  readonly #id: string;
  readonly #count: SharedCount;
  #window = -1;

  constructor(state: SharedState, id: string, windowMs: number) {
    this.#id = id;
    this.#count = new SharedCount(state, "", 2 * windowMs);
  }

  add(tokens: number, now: number, window: number): void {
    this.#open(window);
    this.#count.add(tokens, now);
  }

  total(now: number, window: number): number {
    this.#open(window);
    return this.#count.total(now);
  }

  /** All processes use the same key for the same window. */
  #open(window: number): void {
    if (window === this.#window) return;
    this.#window = window;
    this.#count.restart(`used/${this.#id}/${window}`);
  }
}

interface Used {
  readonly record: UsedRecord;
  /** Tokens that a window allows; 1 where not all candidates have a limit: then tokens are compared as they are. */
  readonly allowance: number;
}

/**
 * The deployment with the smallest share of its tokens per minute used, this call included; chance decides among equals.
 * Where not all have a limit, the one that has used fewest tokens. Calls count by estimate while they run.
 */
export function usageBasedRouting(parts: StrategyParts, options: UsageOptions = {}): Strategy {
  const { models, state, random, epochNow } = parts;
  const { windowMs = MINUTE_MS } = options;
  const records = new DeploymentRecords(models, (id) => new UsedRecord(state, id, windowMs));
  /** The windows of all processes, counted since the epoch. */
  const windowOf = (at: number): number => Math.floor(at / windowMs);

  function prepare(candidates: readonly Deployment[]): readonly Used[] {
    const limited = candidates.every(({ tpm }) => tpm !== undefined && tpm > 0);
    return records.of(candidates).map((record, at) => {
      const tpm = limited ? (candidates[at]?.tpm as number) : undefined;
      return { record, allowance: tpm === undefined ? 1 : (tpm * windowMs) / MINUTE_MS };
    });
  }

  return choosing<Used>({
    name: "usage-based-routing",
    prepare,
    choose(call, left) {
      const now = epochNow();
      const window = windowOf(now);
      const expected = expectedTokens(call);
      return randomLeast(left, ({ record, allowance }) => (record.total(now, window) + expected) / allowance, random);
    },
    begin(deployment, call) {
      const now = epochNow();
      records.begin(deployment)?.add(expectedTokens(call), now, windowOf(now));
    },
    report(deployment, outcome, call) {
      const record = records.end(deployment);
      if (record === undefined) return;
      const now = epochNow();
      // what was counted in a window that is over need not be mended
      if (windowOf(now - outcome.durationMs) !== windowOf(now)) return;
      const expected = expectedTokens(call);
      const used = usedTokens(outcome, expected);
      if (used !== expected) record.add(used - expected, now, windowOf(now));
    },
  });
}

function expectedTokens(call: Call): number {
  const { input, output } = estimatedTokens(call);
  return Math.ceil(input + output);
}

/** A refusal costs nothing; whoever stopped in the middle may have cost all that was expected. */
function usedTokens({ ok, usage, error, abandoned }: Outcome, expected: number): number {
  const told = usage === undefined ? Number.NaN : totalTokens(usage);
  if (told >= 0 && told < Number.POSITIVE_INFINITY) return told;
  if (ok || abandoned === true || error?.code === "timeout") return expected;
  return 0;
}
