import type { Attempt, Call, Entry, Ledger, NanoUsd, Usage } from "@signalbox/kernel";
import type { Receipts } from "../receipts/receipt.ts";
import type { Charge, Charges } from "../rules/charges.ts";
import type { OutputLimits } from "../rules/output-limits.ts";
import { AttemptAccount } from "./attempt-account.ts";
import type { BudgetWatch } from "./budget-watch.ts";
import type { SpendEvent } from "./channels.ts";
import { SPEND_CHANNEL } from "./channels.ts";
import { cachedEntry } from "./entry.ts";

export interface BooksParts {
  readonly ledger: Ledger;
  readonly receipts: Receipts;
  readonly charges: Charges;
  readonly watch: BudgetWatch;
  readonly unknownPrice: NanoUsd | undefined;
  readonly outputs: OutputLimits;
  readonly streamCost: boolean;
  readonly keyHeaders: boolean;
}

/** How long the books wait for attempts that end by themselves, and for the ledger. */
const CLOSE_MS = 5_000;
/** Calls have been told of their end before the books are closed; what has not gone by then is ended here. */
const LAST_CALLS_MS = 500;

/** All attempts that are open, and what of those that have ended is still on its way to the ledger. */
export class Books {
  readonly ledger: Ledger;
  readonly receipts: Receipts;
  readonly unknownPrice: NanoUsd | undefined;
  readonly outputs: OutputLimits;
  readonly streamCost: boolean;
  readonly keyHeaders: boolean;
  readonly #parts: BooksParts;
  /** An array and not a Set: see the kernel's `ActiveCalls`. */
  readonly #open: AttemptAccount[] = [];
  #writing = 0;
  #failing: unknown;

  constructor(parts: BooksParts) {
    this.#parts = parts;
    this.ledger = parts.ledger;
    this.receipts = parts.receipts;
    this.unknownPrice = parts.unknownPrice;
    this.outputs = parts.outputs;
    this.streamCost = parts.streamCost;
    this.keyHeaders = parts.keyHeaders;
  }

  get openAttempts(): number {
    return this.#open.length;
  }

  /** Why the ledger refused the last entry; undefined while it takes them. */
  get failing(): unknown {
    return this.#failing;
  }

  begin(asked: Attempt): AttemptAccount {
    const { charges, outputs } = this.#parts;
    const { attempt, change } = outputs.limited(asked);
    const now = Date.now();
    const account = new AttemptAccount(this, attempt, charges.of(attempt, now), now);
    account.outputChange = change;
    account.slot = this.#open.push(account) - 1;
    return account;
  }

  /** Tells the ledger of an attempt's end. Nobody waits for it. Of a call that limits have refused nothing is on record. */
  record(account: AttemptAccount, entry: Entry, held: boolean): void {
    const last = this.#open.pop() as AttemptAccount;
    if (last !== account) {
      this.#open[account.slot] = last;
      last.slot = account.slot;
    }
    this.#writing++;
    const denied = account.attempt.admission?.denied === true;
    void this.#write(entry, account.charge.lines, held, denied);
  }

  /** What a cache has answered is on record too; nothing was reserved for it. */
  recordCached(call: Call, usage: Usage | undefined): void {
    const entry = cachedEntry(call, usage);
    if (entry === undefined) return;
    this.#writing++;
    void this.#append(entry);
  }

  tell(kind: SpendEvent["kind"], { id, attempt }: AttemptAccount, cause?: unknown): void {
    const { id: deployment, model } = attempt.deployment;
    publish(kind, { id, deployment, model }, cause);
  }

  /** Ends what is open, and waits for the ledger. */
  async close(): Promise<void> {
    await this.#until(() => this.#open.length === 0, LAST_CALLS_MS);
    for (const account of [...this.#open]) account.abandon();
    await this.#until(() => this.#writing === 0, CLOSE_MS);
    this.#parts.watch.close();
  }

  /** Entries wait to be written together: what they do not need, the call above all, is not kept for as long. */
  async #write(entry: Entry, lines: Charge["lines"], held: boolean, denied: boolean): Promise<void> {
    try {
      if (denied) {
        if (held) await this.ledger.void(entry.id);
        return;
      }
      // the entry first: a ledger that has noted it needs no note of the settlement
      const appended = this.ledger.append(entry);
      if (held) await Promise.all([this.#settle(entry), appended]);
      else await appended;
      this.#failing = undefined;
      this.#parts.watch.charged(lines);
    } catch (cause) {
      this.#failing = cause;
      publish("ledgerFailed", entry, cause);
    } finally {
      this.#writing--;
    }
  }

  async #append(entry: Entry): Promise<void> {
    try {
      await this.ledger.append(entry);
      this.#failing = undefined;
    } catch (cause) {
      this.#failing = cause;
      publish("ledgerFailed", entry, cause);
    } finally {
      this.#writing--;
    }
  }

  #settle({ id, status, billed }: Entry): Promise<void> {
    return status === "void" ? this.ledger.void(id) : this.ledger.settle({ id, actual: billed, status });
  }

  async #until(done: () => boolean, timeoutMs: number): Promise<void> {
    const until = performance.now() + timeoutMs;
    while (!done() && performance.now() < until) await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

function publish(
  kind: SpendEvent["kind"],
  { id, deployment, model }: Pick<Entry, "id" | "deployment" | "model">,
  cause: unknown,
): void {
  if (SPEND_CHANNEL.hasSubscribers) {
    SPEND_CHANNEL.publish({ kind, id, deployment, model, ...(cause !== undefined && { cause }) });
  }
}
