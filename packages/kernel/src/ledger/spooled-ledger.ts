import { GatewayError, isGatewayError } from "../errors.ts";
import type {
  BudgetLine,
  Entry,
  Ledger,
  ReservationAnswer,
  ReservationRequest,
  Settlement,
  Spend,
  SpendQuery,
} from "../ledger.ts";
import type { EntryStore, ReservationStore } from "../ledger-stores.ts";
import type { Health } from "../plugin.ts";
import { Batcher } from "./batcher.ts";
import { lineOf, outlinedEntry } from "./fold-records.ts";
import { scopeKey } from "./line-key.ts";
import { replaySpools } from "./replay-spools.ts";
import type { Durability, Segment } from "./spool.ts";
import { Spool } from "./spool.ts";
import type { OwnedDirectory } from "./spool-directory.ts";
import { createDirectory } from "./spool-directory.ts";
import type { SpoolRecord } from "./spool-records.ts";
import { writeRecord } from "./spool-records.ts";

/** What a `SpooledLedger` is made of. */
export interface SpooledLedgerOptions {
  /** Where entries are kept for good. */
  readonly entries: EntryStore;
  /**
   * Below it every process has a spool of its own, from which the next one learns what a process that ended suddenly has
   * left. Without it, what is not yet written is lost with the process.
   */
  readonly directory?: string;
  /** When the end of an attempt counts as written. Default `group`. */
  readonly durability?: Durability;
  /** How long a reservation is held without a sign of life. Default 120,000. */
  readonly leaseMs?: number;
  /** How long entries wait to be written together. Default 50. */
  readonly flushMs?: number;
  /** Attempts are refused while the spool is larger. Default 1 GiB. */
  readonly mostSpoolBytes?: number;
}

/** An attempt whose settlement or entry is not written yet. */
interface Open {
  readonly request: ReservationRequest;
  readonly pins: Segment[];
  settled: boolean;
  /** `performance.now()`; 0 before. */
  settledAt: number;
}

const DEFAULT_LEASE_MS = 120_000;
const DEFAULT_FLUSH_MS = 50;
const DEFAULT_MOST_BYTES = 1_073_741_824;
const MOST_ROWS = 1_000;
/** Attempts are refused while more ends of attempts than these wait to be written. */
const MOST_WAITING = 100_000;
const CLOSE_PATIENCE_MS = 10_000;
const RETRY_AFTER_MS = 2_000;

/**
 * Reservations, entries and a write-ahead spool as one ledger. What an attempt is about is in the spool before a budget is
 * touched and before the provider is called; ends are settled and entries written in batches, off the path of calls.
 */
export class SpooledLedger implements Ledger {
  readonly #options: SpooledLedgerOptions;
  readonly #leaseMs: number;
  readonly #open = new Map<string, Open>();
  readonly #settlements: Batcher<Settlement & { readonly lines: readonly BudgetLine[] }>;
  readonly #entries: Batcher<Entry>;
  #reservations: ReservationStore | undefined;
  #spool: Spool | undefined;
  #owned: OwnedDirectory | undefined;
  #timer: NodeJS.Timeout | undefined;
  #spoolFailure: unknown;
  #closing: Promise<void> | undefined;

  constructor(options: SpooledLedgerOptions) {
    this.#options = options;
    this.#leaseMs = options.leaseMs ?? DEFAULT_LEASE_MS;
    this.#settlements = new Batcher({
      write: (items) => this.#store().settle(items),
      mostItems: MOST_ROWS,
      waitMs: 0,
    });
    this.#entries = new Batcher({
      write: (items) => options.entries.append(items),
      mostItems: MOST_ROWS,
      waitMs: options.flushMs ?? DEFAULT_FLUSH_MS,
    });
  }

  /** Ends what processes before this one have left, and begins. To be awaited before calls are served. */
  async start(reservations: ReservationStore): Promise<void> {
    const { directory, entries, durability } = this.#options;
    if (directory !== undefined) {
      await replaySpools(directory, reservations, entries);
      this.#owned = await createDirectory(directory);
      this.#spool = new Spool({ directory: this.#owned.path, ...(durability !== undefined && { durability }) });
    }
    this.#reservations = reservations;
    this.#timer = setInterval(() => void this.#tend(), Math.max(50, this.#leaseMs / 4)).unref();
  }

  /** Whether attempts are admitted, or why not. */
  health(): Health {
    const obstacle = this.#obstacle();
    if (obstacle !== undefined) return { ok: false, detail: obstacle };
    if (this.#entries.failure !== undefined) return { ok: true, detail: `${this.#entries.size} entries wait` };
    return { ok: true };
  }

  async reserve(request: ReservationRequest): Promise<ReservationAnswer> {
    const store = this.#store();
    const obstacle = this.#obstacle();
    if (obstacle !== undefined) {
      throw new GatewayError("overloaded", `spending cannot be recorded at the moment: ${obstacle}`, {
        retryAfterMs: RETRY_AFTER_MS,
      });
    }
    if (this.#open.has(request.id)) return await this.#ask(store, request);
    const open: Open = { request, pins: [], settled: false, settledAt: 0 };
    this.#log(open, { kind: "R", request, at: Date.now() });
    this.#open.set(request.id, open);
    try {
      const answer = await this.#ask(store, request);
      if (!answer.held) this.#forget(open);
      return answer;
    } catch (thrown) {
      // nobody knows whether it is held: it is given back as soon as the store answers
      void this.#end(open, { id: request.id, actual: 0n, status: "final" }).then(() => this.#forget(open));
      throw thrown;
    }
  }

  dispatched(id: string): void {
    const open = this.#open.get(id);
    if (open !== undefined) this.#log(open, { kind: "D", id });
  }

  async settle(settlement: Settlement): Promise<void> {
    const open = this.#open.get(settlement.id);
    if (open === undefined) await this.#settlements.push({ ...settlement, lines: [] });
    else await this.#end(open, settlement);
  }

  async void(id: string): Promise<void> {
    await this.settle({ id, actual: 0n, status: "final" });
  }

  async append(entry: Entry): Promise<void> {
    const open = this.#open.get(entry.id);
    const lines = entry.lines ?? open?.request.lines.map(lineOf);
    const whole = lines === undefined || lines.length === 0 ? entry : { ...entry, lines };
    const pin = open === undefined ? undefined : this.#noted(open, { kind: "E", entry: whole });
    await this.#entries.push(whole);
    if (pin !== undefined) this.#spool?.release(pin);
    if (open?.settled === true) this.#forget(open);
  }

  async spent(query: SpendQuery): Promise<Spend> {
    const { billed, entries } = await this.#options.entries.spent(query);
    return { billed, entries, pending: this.#pending(query) };
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    clearInterval(this.#timer);
    const written = [await this.#settlements.close(CLOSE_PATIENCE_MS), await this.#entries.close(CLOSE_PATIENCE_MS)];
    await this.#spool?.close();
    // what is not written, and what was never settled, is for the next process
    const left = this.#open.size > 0 && [...this.#open.values()].some(({ settled }) => !settled);
    await this.#owned?.release(!left && written.every((all) => all));
  }

  #store(): ReservationStore {
    if (this.#reservations !== undefined) return this.#reservations;
    throw new GatewayError("ledger_unavailable", "the ledger has not started yet", { retryAfterMs: RETRY_AFTER_MS });
  }

  async #ask(store: ReservationStore, request: ReservationRequest): Promise<ReservationAnswer> {
    try {
      return await store.reserve(request, this.#leaseMs);
    } catch (thrown) {
      if (isGatewayError(thrown)) throw thrown;
      const message = "the ledger cannot tell what is left of the budget";
      throw new GatewayError("ledger_unavailable", message, { cause: thrown, retryAfterMs: RETRY_AFTER_MS });
    }
  }

  async #end(open: Open, settlement: Settlement): Promise<void> {
    const pin = this.#noted(open, { kind: "S", settlement });
    await this.#settlements.push({ ...settlement, lines: open.request.lines });
    open.settled = true;
    open.settledAt = performance.now();
    if (pin !== undefined) this.#spool?.release(pin);
    for (const each of open.pins.splice(0)) this.#spool?.release(each);
  }

  /** Nothing of it is to be written any more. */
  #forget(open: Open): void {
    if (this.#open.get(open.request.id) === open) this.#open.delete(open.request.id);
    for (const pin of open.pins.splice(0)) this.#spool?.release(pin);
  }

  /** Before something happens: it must not, when it cannot be noted. */
  #log(open: Open, record: SpoolRecord): void {
    const pin = this.#noted(open, record);
    if (pin !== undefined) open.pins.push(pin);
    else if (this.#spool !== undefined) {
      throw new GatewayError("overloaded", "spending cannot be recorded at the moment", {
        cause: this.#spoolFailure,
        retryAfterMs: RETRY_AFTER_MS,
      });
    }
  }

  /** After something has happened: what cannot be noted is still written, unless this process ends. */
  #noted(_open: Open, record: SpoolRecord): Segment | undefined {
    if (this.#spool === undefined) return undefined;
    try {
      const pin = this.#spool.append(writeRecord(record));
      this.#spoolFailure = undefined;
      return pin;
    } catch (error) {
      this.#spoolFailure = error;
      return undefined;
    }
  }

  #obstacle(): string | undefined {
    const mostBytes = this.#options.mostSpoolBytes ?? DEFAULT_MOST_BYTES;
    if ((this.#spool?.bytes ?? 0) > mostBytes) return "the spool is full";
    if (this.#entries.size + this.#settlements.size > MOST_WAITING) return "too much waits to be written";
    return undefined;
  }

  #pending({ scope, period }: SpendQuery): bigint {
    const wanted = scope === undefined ? undefined : scopeKey(scope);
    let pending = 0n;
    for (const { request, settled } of this.#open.values()) {
      if (settled) continue;
      for (const line of request.lines) {
        if (wanted !== undefined && scopeKey(line.scope) !== wanted) continue;
        if (period === undefined || line.period === period) pending += request.estimate;
      }
    }
    return pending;
  }

  /** Signs of life, and an end for those that give none any more. */
  async #tend(): Promise<void> {
    const store = this.#reservations;
    if (store === undefined) return;
    this.#owned?.touch();
    const longAgo = performance.now() - this.#leaseMs;
    // settled, and nobody has appended an entry for it
    for (const open of this.#open.values()) if (open.settled && open.settledAt < longAgo) this.#forget(open);
    try {
      const running = [...this.#open.values()].filter(({ settled }) => !settled).map(({ request }) => request.id);
      if (running.length > 0) await store.renew(running, this.#leaseMs);
      for (const { id, estimate, lines } of await store.reap()) {
        const entry = outlinedEntry({ id, estimate, lines }, Date.now(), { actual: estimate, status: "estimated" });
        void this.#entries.push(entry);
      }
    } catch {
      // the store says so itself, in readiness; the next round comes soon
    }
  }
}
