import { randomUUID } from "node:crypto";
import { GatewayError } from "../errors.ts";
import type { Entry, Ledger, ReservationAnswer, ReservationRequest, Settlement, Spend, SpendQuery } from "../ledger.ts";
import type { CounterRecovery, LineSettlement, LineSum, ReservationStore } from "../ledger-stores.ts";
import type { Health } from "../plugin.ts";
import { askStore } from "./ask-store.ts";
import { AttemptNotes } from "./attempt-notes.ts";
import { Batcher } from "./batcher.ts";
import { CounterWatch } from "./counter-watch.ts";
import { outlinedEntry, settlementOf } from "./fold-records.ts";
import { KeptSpool } from "./kept-spool.ts";
import { ledgerHealth } from "./ledger-health.ts";
import { sumsOfLines } from "./line-sums.ts";
import type { OpenAttempt } from "./open-attempts.ts";
import { OpenAttempts, openAttempt, withLines } from "./open-attempts.ts";
import { overloaded, RETRY_AFTER_MS } from "./overloaded.ts";
import { Reaper } from "./reaper.ts";
import { Reconciler } from "./reconciler.ts";
import { RefusedEntries } from "./refused-entries.ts";
import { replaySpools } from "./replay-spools.ts";
import type { SpooledLedgerOptions } from "./spooled-ledger-options.ts";
import { DEFAULTS } from "./spooled-ledger-options.ts";

const MOST_ROWS = 1_000;
/** Attempts are refused while more ends of attempts than these wait to be written. */
const MOST_WAITING = 100_000;
const CLOSE_PATIENCE_MS = 10_000;
/** How soon a process sees that counters were lost. */
const LOOK_MS = 1_000;

/**
 * Reservations, entries and a write-ahead spool as one ledger. What an attempt is about is in the spool before a budget is
 * touched and before the provider is called; ends are settled and entries written in batches, off the path of calls.
 */
export class SpooledLedger implements Ledger {
  readonly #options: SpooledLedgerOptions;
  readonly #leaseMs: number;
  readonly #open = new OpenAttempts();
  readonly #refused: RefusedEntries;
  readonly #settlements: Batcher<LineSettlement>;
  readonly #entries: Batcher<Entry>;
  readonly #reaper: Reaper = new Reaper((entry) => new Promise((done) => void this.#write(entry, done)));
  #reservations: ReservationStore | undefined;
  #spool: KeptSpool | undefined;
  #notes: AttemptNotes | undefined;
  #watch: CounterWatch | undefined;
  #reconciler: Reconciler | undefined;
  #timers: readonly NodeJS.Timeout[] = [];
  /** Why the last round of renewing and reaping failed. */
  #tendFailure: unknown;
  /** Why counters that were lost could not be rebuilt, or compared. */
  #lookFailure: unknown;
  #closing: Promise<void> | undefined;

  constructor(options: SpooledLedgerOptions) {
    this.#options = options;
    this.#refused = new RefusedEntries(options.directory);
    this.#leaseMs = options.leaseMs ?? DEFAULTS.leaseMs;
    this.#settlements = new Batcher({
      write: (items) => {
        // also while it closes
        const store = this.#reservations ?? this.#store();
        // others must not know of an end that this process could still forget
        if (store.ownProcess !== true) this.#spool?.flush();
        return store.settle(this.#open.recalled(items));
      },
      mostItems: MOST_ROWS,
      waitMs: "turn",
    });
    this.#entries = new Batcher({
      write: (items) => {
        this.#spool?.flush();
        return this.#refused.append(options.entries, items);
      },
      mostItems: MOST_ROWS,
      waitMs: options.flushMs ?? DEFAULTS.flushMs,
    });
  }

  /** Ends what processes before this one have left, and begins. To be awaited before calls are served. */
  async start(reservations: ReservationStore): Promise<void> {
    const { directory, entries, durability, abandonedMs } = this.#options;
    this.#watch = new CounterWatch({
      store: reservations,
      part: (first) => this.#part(first),
      pause: () => this.#entries.pause(),
      resume: () => {
        this.#entries.resume();
        this.#settlements.hurry();
      },
    });
    await this.#watch.look((await entries.spent({})).entries === 0);
    if (directory !== undefined) {
      await this.#replay(reservations);
      this.#spool = await KeptSpool.open({
        root: directory,
        durability,
        abandonedMs,
        begunAnew: () => this.#notes?.again(this.#open.values(), this.#entries.waiting()),
        renamed: (before) => void this.#reconciler?.leave(before),
      });
      this.#notes = new AttemptNotes(this.#spool, durability === "always");
    }
    this.#reservations = reservations;
    const everyMs = this.#options.reconcileMs ?? DEFAULTS.reconcileMs;
    const alone = randomUUID();
    this.#reconciler = new Reconciler({
      store: reservations,
      entries,
      process: () => this.#spool?.name ?? alone,
      written: () => this.#open.unwritten().length === 0 && this.#entries.size === 0 && !this.#refused.any,
      everyMs,
      leaseMs: this.#leaseMs,
    });
    const tendMs = Math.max(50, this.#leaseMs / 4);
    this.#timers = [
      setInterval(() => void this.#tend(), tendMs).unref(),
      setInterval(() => void this.#look(), Math.min(LOOK_MS, tendMs)).unref(),
      setInterval(() => void this.#reconcile(), everyMs).unref(),
    ];
  }

  /** Whether attempts are admitted, or why not. */
  health(): Health {
    return ledgerHealth({
      obstacle: this.#obstacle(),
      spoolFailure: this.#spool?.failure,
      recovering: this.#watch?.recovering === true,
      waiting: this.#entries.size + this.#settlements.size,
      writeFailed: this.#entries.failure !== undefined || this.#settlements.failure !== undefined,
      countersFailed: (this.#tendFailure ?? this.#lookFailure) !== undefined,
      drifting: this.#reconciler?.drifting ?? 0,
      refused: this.#refused.detail,
    });
  }

  async reserve(request: ReservationRequest): Promise<ReservationAnswer> {
    const store = this.#store();
    const obstacle = this.#obstacle();
    if (obstacle !== undefined) throw overloaded(obstacle);
    if (this.#open.has(request.id)) return await this.#ask(store, request);
    const open = openAttempt(request, Date.now());
    this.#open.add(open);
    // counters that end with this process need no record before they are touched: it goes with that of the sending
    if (store.ownProcess !== true) await this.#ready(open);
    try {
      const answer = await this.#ask(store, request);
      if (!answer.held) this.#forget(open);
      return answer;
    } catch (thrown) {
      // Nobody knows whether it is held. Unless it is sent all the same, it is given back when the store answers again.
      setImmediate(() => {
        if (!open.sent && open.settlement === undefined) void this.#giveBack(open);
      });
      throw thrown;
    }
  }

  dispatched(id: string): Promise<void> | undefined {
    const open = this.#open.get(id);
    if (open === undefined) return undefined;
    const noted = this.#notes?.sent(open);
    if (noted === undefined) open.sent = true;
    return noted;
  }

  async settle(settlement: Settlement): Promise<void> {
    this.#checkOpen();
    const open = this.#open.get(settlement.id);
    if (open === undefined) await this.#settlements.push({ ...settlement, lines: [] });
    else await this.#end(open, settlement);
  }

  async void(id: string): Promise<void> {
    await this.settle({ id, actual: 0n, status: "final" });
  }

  append(entry: Entry): Promise<void> {
    return new Promise((done) => {
      this.#checkOpen();
      const open = this.#open.get(entry.id);
      const whole = withLines(entry, open);
      if (open === undefined) {
        this.#write(whole, done);
        return;
      }
      open.entry = "waiting";
      open.told = this.#write(whole, () => {
        open.entry = "written";
        open.written = entry.billed;
        this.#forgetWhenDone(open);
        done();
      });
    });
  }

  async adjust(entry: Entry): Promise<void> {
    this.#checkOpen();
    if (this.#open.has(entry.id)) return;
    const lines = (entry.lines ?? []).map((line) => ({ ...line, limit: null }));
    const open = openAttempt({ id: entry.id, estimate: 0n, lines, about: entry }, entry.startedAt);
    this.#open.add(open);
    await this.#ready(open);
    // first the counters: those that are rebuilt from entries would count it twice
    await this.#end(open, { id: entry.id, actual: entry.billed, status: "final" });
    await this.append(entry);
  }

  /** `pending` is what this process has reserved. */
  async spent(query: SpendQuery): Promise<Spend> {
    const { billed, entries } = await this.#options.entries.spent(query);
    return { billed, entries, pending: this.#open.pending(query) };
  }

  async spentEach(queries: readonly SpendQuery[]): Promise<readonly Spend[]> {
    const { entries } = this.#options;
    const spent = await (entries.spentEach?.(queries) ?? Promise.all(queries.map((query) => entries.spent(query))));
    return spent.map((one, index) => ({ ...one, pending: this.#open.pending(queries[index] as SpendQuery) }));
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    const written = [await this.#settlements.close(CLOSE_PATIENCE_MS), await this.#entries.close(CLOSE_PATIENCE_MS)];
    await this.#spool?.close();
    // what is not written, and what was never settled, is for the next process
    const nothingLeft = this.#open.size === 0 && written.every((all) => all);
    if (nothingLeft) await this.#reconciler?.leave();
    await this.#spool?.leave(nothingLeft);
  }

  #store(): ReservationStore {
    this.#checkOpen();
    if (this.#reservations !== undefined) return this.#reservations;
    throw new GatewayError("ledger_unavailable", "the ledger has not started yet", { retryAfterMs: RETRY_AFTER_MS });
  }

  /** What comes later would neither be written nor noted. */
  #checkOpen(): void {
    if (this.#closing === undefined) return;
    throw new GatewayError("ledger_unavailable", "the ledger is closed", { retryAfterMs: RETRY_AFTER_MS });
  }

  #ask(store: ReservationStore, request: ReservationRequest): Promise<ReservationAnswer> {
    return askStore(store, request, this.#leaseMs, this.#settlements.size > 0);
  }

  /** Notes what is about to be asked for. */
  async #ready(open: OpenAttempt): Promise<void> {
    try {
      await this.#notes?.asked(open);
    } catch (thrown) {
      this.#forget(open);
      throw thrown;
    }
  }

  #end(open: OpenAttempt, settlement: Settlement): Promise<void> {
    open.settlement = settlement;
    const { id, actual, status } = settlement;
    const safe = this.#notes?.ended(open, settlement);
    return new Promise((done) => {
      const settled = (): void => {
        open.settledAt = performance.now();
        // never sent, and nobody tells more of it
        if (!open.sent && open.entry === "none" && actual === 0n) this.#forget(open);
        else this.#forgetWhenDone(open);
        done();
      };
      this.#settlements.add({ id, actual, status, lines: open.request.lines }, after(safe, settled));
    });
  }

  async #giveBack(open: OpenAttempt): Promise<void> {
    await this.#end(open, { id: open.request.id, actual: 0n, status: "final" });
    this.#forget(open);
  }

  /** An entry is in the spool until the store has it. Answers the entry when it is. */
  #write(entry: Entry, done: () => void): Entry | undefined {
    const note = this.#notes?.entered(entry);
    if (note === undefined) {
      this.#entries.add(entry, done);
      return undefined;
    }
    const written = (): void => {
      note.release();
      done();
    };
    this.#entries.add(entry, after(note.safe, written));
    return entry;
  }

  /** Counters may live in memory alone: what an attempt has cost is kept in the spool until its entry is written. */
  #forgetWhenDone(open: OpenAttempt): void {
    if (open.settledAt !== undefined && open.entry === "written") this.#forget(open);
  }

  /** Nothing of it is to be written any more. */
  #forget(open: OpenAttempt): void {
    this.#open.delete(open);
    this.#notes?.forget(open);
  }

  #obstacle(): string | undefined {
    const mostBytes = this.#options.mostSpoolBytes ?? DEFAULTS.mostSpoolBytes;
    if ((this.#spool?.bytes ?? 0) > mostBytes) return "the spool is full";
    if (this.#entries.size + this.#settlements.size > MOST_WAITING) return "too much waits to be written";
    return undefined;
  }

  async #look(): Promise<void> {
    try {
      await this.#watch?.look();
      this.#lookFailure = undefined;
    } catch (error) {
      this.#lookFailure = error;
    }
  }

  async #reconcile(): Promise<void> {
    try {
      await this.#replay(this.#store());
      await this.#reconciler?.round();
    } catch (error) {
      this.#lookFailure = error;
    }
  }

  /** What lost counters are rebuilt from. Entries of what was reaped belong to no attempt of this process. */
  #part(first: boolean): CounterRecovery {
    const others = this.#entries.waiting().filter(({ id }) => !this.#open.has(id));
    const unwritten = [...this.#open.unwritten(), ...others.map(settlementOf)];
    const written = () => this.#written();
    return { held: this.#open.held(), unwritten, leaseMs: this.#leaseMs, first, written };
  }

  /** Renews what runs, and sees to an end for what nobody ends any more. What fails is tried again in the next round. */
  async #tend(): Promise<void> {
    try {
      this.#writeMissingEntries();
      await this.#renewAndReap(this.#store());
      this.#tendFailure = undefined;
    } catch (error) {
      this.#tendFailure = error;
    }
  }

  /** Settled long ago, and nobody has appended an entry: it has cost something, so it gets one. */
  #writeMissingEntries(): void {
    const longAgo = performance.now() - this.#leaseMs;
    for (const open of this.#open.values()) {
      const { request, at, settlement, settledAt, entry } = open;
      if (settlement === undefined || settledAt === undefined || settledAt > longAgo || entry !== "none") continue;
      if (settlement.actual === 0n && !open.sent) this.#forget(open);
      else void this.append(outlinedEntry(request, at, settlement));
    }
  }

  async #renewAndReap(store: ReservationStore): Promise<void> {
    const running = this.#open.running();
    if (running.length > 0) {
      await store.renew(
        running.map(({ id }) => id),
        this.#leaseMs,
      );
    }
    await this.#reaper.round(store);
  }

  /** Ends what processes that are gone have left here; without counters, writes their entries alone. */
  async #replay(reservations: ReservationStore | undefined): Promise<void> {
    const { directory, entries, abandonedMs } = this.#options;
    if (directory === undefined) return;
    await replaySpools({ root: directory, reservations, entries, refused: this.#refused, abandonedMs });
  }

  /** What all entries say, also those of processes that are gone. */
  async *#written(): AsyncGenerator<readonly LineSum[]> {
    await this.#replay(undefined);
    yield* sumsOfLines(this.#options.entries);
  }
}

function after(safe: Promise<unknown> | undefined, done: () => void): () => void {
  return safe === undefined ? done : () => void safe.then(done);
}
