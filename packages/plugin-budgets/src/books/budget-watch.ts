import type { Ledger, NanoUsd } from "@signalbox/kernel";
import { lineKey } from "@signalbox/kernel/ledger";
import type { ChargedLine } from "../rules/charged-lines.ts";
import { BUDGET_CHANNEL } from "./channels.ts";

/** How long after an attempt its budgets are looked at: once for all that end meanwhile. */
const DELAY_MS = 200;
/** Lines that are remembered; the oldest, whose periods are likely over, go first. */
const MOST_LINES = 10_000;

type Threshold = number | "soft";

interface Watched {
  line: ChargedLine;
  readonly told: Set<Threshold>;
  timer: NodeJS.Timeout | undefined;
}

/** Tells when budgets come to their thresholds: once per period and threshold, and never on the way of a call. */
export class BudgetWatch {
  readonly #ledger: Ledger;
  readonly #thresholds: readonly number[];
  readonly #watched: Map<string, Watched> = new Map();
  #closed = false;

  constructor(ledger: Ledger, thresholds: readonly number[]) {
    this.#ledger = ledger;
    this.#thresholds = thresholds;
  }

  /** Something was charged to these lines. */
  charged(lines: readonly ChargedLine[]): void {
    if (this.#closed || !BUDGET_CHANNEL.hasSubscribers) return;
    for (const line of lines) {
      if (line.limit === null && line.soft === undefined) continue;
      const watched = this.#of(line);
      if (watched.timer !== undefined || this.#untold(watched).length === 0) continue;
      watched.timer = setTimeout(() => void this.#look(watched), DELAY_MS);
      watched.timer.unref();
    }
  }

  close(): void {
    this.#closed = true;
    for (const { timer } of this.#watched.values()) clearTimeout(timer);
    this.#watched.clear();
  }

  #of(line: ChargedLine): Watched {
    const key = lineKey(line);
    const known = this.#watched.get(key);
    if (known !== undefined) {
      known.line = line;
      return known;
    }
    if (this.#watched.size >= MOST_LINES) {
      const [oldest] = this.#watched.keys();
      clearTimeout(this.#watched.get(oldest as string)?.timer);
      this.#watched.delete(oldest as string);
    }
    const watched: Watched = { line, told: new Set(), timer: undefined };
    this.#watched.set(key, watched);
    return watched;
  }

  #untold({ line, told }: Watched): readonly { readonly threshold: Threshold; readonly limit: NanoUsd }[] {
    const { limit, soft } = line;
    const shares = limit === null ? [] : this.#thresholds.map((threshold) => ({ threshold, limit }));
    const all = soft === undefined ? shares : [...shares, { threshold: "soft" as const, limit: soft }];
    return all.filter(({ threshold }) => !told.has(threshold));
  }

  async #look(watched: Watched): Promise<void> {
    const { scope, period } = watched.line;
    let spent: NanoUsd;
    try {
      spent = (await this.#ledger.spent({ scope, period })).billed;
    } catch {
      // the ledger's own health says why; the next charge looks again
      return;
    } finally {
      watched.timer = undefined;
    }
    if (this.#closed) return;
    for (const { threshold, limit } of this.#untold(watched)) {
      if (spent < (threshold === "soft" ? limit : shareOf(limit, threshold))) continue;
      watched.told.add(threshold);
      BUDGET_CHANNEL.publish({ scope, period, limit, spent, threshold });
    }
  }
}

const PARTS = 1_000_000;

/** Rounded up to nano-dollars: a threshold is reached, never nearly. */
function shareOf(limit: NanoUsd, share: number): NanoUsd {
  const parts = BigInt(PARTS);
  return (limit * BigInt(Math.round(share * PARTS)) + parts - 1n) / parts;
}
