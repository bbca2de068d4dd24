import type { BudgetLine } from "../ledger.ts";
import type { EntryStore, LineBalance, LineSum, ReservationStore } from "../ledger-stores.ts";
import type { NanoUsd } from "../money.ts";
import { LEDGER_CHANNEL } from "./ledger-events.ts";
import { lineKey } from "./line-key.ts";
import { sumsOfLines } from "./line-sums.ts";
import { isRecentPeriod } from "./recent-period.ts";

/** What a reconciler compares. */
export interface ReconcilerOptions {
  readonly store: ReservationStore;
  readonly entries: EntryStore;
  /** Names this process to others. */
  readonly process: () => string;
  /** Whether every attempt that this process has settled has its entry. */
  readonly written: () => boolean;
  /** Between two rounds. */
  readonly everyMs: number;
  /** Reservations that are silent for longer than this are reaped, by whoever is there. */
  readonly leaseMs: number;
}

interface Drift {
  readonly posted: NanoUsd;
  readonly difference: NanoUsd;
}

const LINES_AT_ONCE = 500;
/** Where balances are asked for one by one. */
const ASKED_AT_ONCE = 32;
/** Of so many rounds a process may miss some before it counts as lost. */
const ROUNDS = 3;

/**
 * Compares counters with what their entries say, and corrects them. Numbers may be in flight, so a difference counts only
 * when it is the same in two rounds while nothing is reserved on the line; and a counter is lowered only when every
 * process has written all its entries, since what seems too much may be on its way.
 */
export class Reconciler {
  readonly #options: ReconcilerOptions;
  #seen: ReadonlyMap<string, Drift> = new Map();
  /** Lines that differed in the last round and still do. */
  drifting = 0;

  constructor(options: ReconcilerOptions) {
    this.#options = options;
  }

  /** One comparison; of several processes one at a time makes it. */
  async round(): Promise<void> {
    const { store, entries, process, written, everyMs } = this.#options;
    const quiet = (await store.quiet?.(process(), written(), ROUNDS * everyMs)) ?? false;
    const compare = async (): Promise<void> => {
      const found = new Map<string, Drift>();
      const reserved: BudgetLine[] = [];
      let drifting = 0;
      for await (const sums of sumsOfLines(entries)) {
        const recent = sums.filter(({ line }) => isRecentPeriod(line.period, Date.now()));
        for (let at = 0; at < recent.length; at += LINES_AT_ONCE) {
          const some = recent.slice(at, at + LINES_AT_ONCE);
          const balances = await this.#balances(some);
          for (const [index, sum] of some.entries()) {
            const balance = balances[index] as LineBalance;
            if (balance.pending !== 0n) reserved.push({ ...sum.line, limit: null });
            if (await this.#compare(sum, balance, quiet, found)) drifting++;
          }
        }
      }
      drifting += await this.#checkHeld(reserved);
      this.#seen = found;
      this.drifting = drifting;
    };
    if (entries.exclusively === undefined) await compare();
    else await entries.exclusively("reconcile", compare);
  }

  /** This process ends, and has written everything; or it has had another name until now. */
  async leave(name: string = this.#options.process()): Promise<void> {
    const { store, everyMs } = this.#options;
    // otherwise it counts as lost for a day, and no counter is lowered meanwhile
    await store.quiet?.(name, undefined, ROUNDS * everyMs).catch(() => undefined);
  }

  async #balances(sums: readonly LineSum[]): Promise<readonly LineBalance[]> {
    const { store } = this.#options;
    const lines = sums.map(({ line }): BudgetLine => ({ ...line, limit: null }));
    if (store.balances !== undefined) return await store.balances(lines);
    const balances: LineBalance[] = [];
    for (let at = 0; at < lines.length; at += ASKED_AT_ONCE) {
      balances.push(...(await Promise.all(lines.slice(at, at + ASKED_AT_ONCE).map((line) => store.balance(line)))));
    }
    return balances;
  }

  /** Whether what is reserved is what reservations say, and somebody ends what nobody renews. Answers how many lines differ. */
  async #checkHeld(reserved: readonly BudgetLine[]): Promise<number> {
    const { store, leaseMs } = this.#options;
    const check = await store.checkHeld?.(reserved, leaseMs);
    if (check === undefined) return 0;
    for (const differing of check.differing) LEDGER_CHANNEL.publish({ kind: "heldDrift", ...differing });
    if (check.overdue > 0) LEDGER_CHANNEL.publish({ kind: "overdue", reservations: check.overdue });
    return check.differing.length;
  }

  /** Whether they differ still. */
  async #compare(
    sum: LineSum,
    { posted, pending }: LineBalance,
    quiet: boolean,
    found: Map<string, Drift>,
  ): Promise<boolean> {
    const line: BudgetLine = { ...sum.line, limit: null };
    const difference = posted - sum.posted;
    if (difference === 0n) return false;
    const key = lineKey(line);
    const before = this.#seen.get(key);
    const same = before?.posted === posted && before.difference === difference;
    found.set(key, { posted, difference });
    if (!same || pending !== 0n) return false;
    const corrected = (difference < 0n || quiet) && (await this.#options.store.correct(line, posted, -difference));
    LEDGER_CHANNEL.publish({ kind: "drift", line: sum.line, difference, corrected });
    return !corrected;
  }
}
