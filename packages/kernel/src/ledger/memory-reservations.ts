import { GatewayError } from "../errors.ts";
import type { BudgetLine, ReservationAnswer, ReservationRequest } from "../ledger.ts";
import type { HeldCheck, LineBalance, LineSettlement, ReapedReservation, ReservationStore } from "../ledger-stores.ts";
import type { NanoUsd } from "../money.ts";
import { lineKey } from "./line-key.ts";

interface Counter {
  posted: NanoUsd;
  pending: NanoUsd;
}

interface Held {
  readonly estimate: NanoUsd;
  readonly lines: readonly BudgetLine[];
  readonly counters: readonly Counter[];
  /** On the scale of `performance.now()`. */
  leasedUntil: number;
}

/** What may still be corrected. */
interface Settled {
  readonly counters: readonly Counter[];
  readonly posted: NanoUsd;
  /** On the scale of `performance.now()`. */
  readonly at: number;
}

const HELD: ReservationAnswer = { held: true };

/** What `MemoryReservations` may be told. */
export interface MemoryReservationsOptions {
  /** How long a settled id whose amount is a guess is remembered, so that it can be corrected. Default 1 hour. */
  readonly rememberMs?: number;
  /** Of ids whose amount is certain, at least so many of the latest are remembered: a repetition changes nothing. Default 10,000. */
  readonly remembered?: number;
}

const DEFAULT_REMEMBER_MS = 3_600_000;
const DEFAULT_REMEMBERED = 10_000;
/** Of the oldest settled ids, looked at for each new one: more than one, so that their number goes down again. */
const FORGET_AT_ONCE = 4;

/**
 * The counters of one process: exact, and gone with it. Nothing is awaited between reading and writing, so every
 * operation is atomic.
 */
export class MemoryReservations implements ReservationStore {
  readonly ownProcess: boolean = true;
  readonly #counters = new Map<string, Counter>();
  readonly #held = new Map<string, Held>();
  /** In order of their settlement. */
  readonly #guesses = new Map<string, Settled>();
  /** Certain ones, and those before them: forgotten by thousands, one by one would cost a search through the gaps. */
  #certain = new Set<string>();
  #certainBefore = new Set<string>();
  readonly #rememberMs: number;
  readonly #remembered: number;
  /** By lists that never change. */
  readonly #ofLists = new WeakMap<readonly BudgetLine[], readonly Counter[]>();
  #closed = false;

  constructor(options: MemoryReservationsOptions = {}) {
    this.#rememberMs = options.rememberMs ?? DEFAULT_REMEMBER_MS;
    this.#remembered = options.remembered ?? DEFAULT_REMEMBERED;
  }

  async reserve({ id, estimate, lines }: ReservationRequest, leaseMs: number): Promise<ReservationAnswer> {
    this.#checkOpen();
    if (this.#held.has(id) || this.#isCertain(id) || this.#guesses.has(id)) return HELD;
    const counters = this.#countersOf(lines);
    for (let at = 0; at < lines.length; at++) {
      const line = lines[at] as BudgetLine;
      const { posted, pending } = counters[at] as Counter;
      if (line.limit !== null && posted + pending + estimate > line.limit)
        return { held: false, line, spent: posted, pending };
    }
    for (const counter of counters) counter.pending += estimate;
    this.#held.set(id, { estimate, lines, counters, leasedUntil: performance.now() + leaseMs });
    return HELD;
  }

  async settle(settlements: readonly LineSettlement[]): Promise<void> {
    this.#checkOpen();
    const now = performance.now();
    for (const { id, actual, status, lines, written } of settlements) {
      const guess = status !== "final";
      // what is held has no end yet
      const held = this.#release(id);
      if (held !== undefined) {
        this.#post(id, held, actual, guess, now);
        continue;
      }
      if (this.#isCertain(id)) continue;
      const before = this.#guesses.get(id);
      if (before !== undefined) {
        if (guess) continue;
        for (const counter of before.counters) counter.posted += actual - before.posted;
        this.#guesses.delete(id);
        this.#remember(id);
        continue;
      }
      const counters = this.#countersOf(lines);
      if (written === undefined) {
        this.#post(id, counters, actual, guess, now);
        continue;
      }
      for (const counter of counters) counter.posted -= written;
      this.#post(id, counters, guess ? written : actual, guess, now);
    }
  }

  async renew(ids: readonly string[], leaseMs: number): Promise<void> {
    this.#checkOpen();
    const until = performance.now() + leaseMs;
    for (const id of ids) {
      const held = this.#held.get(id);
      if (held !== undefined) held.leasedUntil = until;
    }
  }

  async reap(): Promise<readonly ReapedReservation[]> {
    this.#checkOpen();
    const now = performance.now();
    const reaped: ReapedReservation[] = [];
    for (const [id, { estimate, lines, counters, leasedUntil }] of this.#held) {
      if (leasedUntil > now) continue;
      this.#release(id);
      this.#post(id, counters, estimate, true, now);
      reaped.push({ id, estimate, lines });
    }
    return reaped;
  }

  async balance(line: BudgetLine): Promise<LineBalance> {
    this.#checkOpen();
    const { posted, pending } = this.#counters.get(lineKey(line)) ?? { posted: 0n, pending: 0n };
    return { posted, pending };
  }

  async checkHeld(lines: readonly BudgetLine[], overdueMs: number): Promise<HeldCheck> {
    this.#checkOpen();
    const held = new Map<string, { readonly line: BudgetLine; held: NanoUsd }>();
    for (const line of lines) held.set(lineKey(line), { line, held: 0n });
    let overdue = 0;
    for (const { estimate, lines: on, leasedUntil } of this.#held.values()) {
      if (leasedUntil + overdueMs < performance.now()) overdue++;
      for (const line of on) {
        const known = held.get(lineKey(line));
        if (known === undefined) held.set(lineKey(line), { line, held: estimate });
        else known.held += estimate;
      }
    }
    const differing = [...held].flatMap(
      ([
        key,
        {
          line: { scope, period },
          held,
        },
      ]) => {
        const pending = this.#counters.get(key)?.pending ?? 0n;
        return pending === held ? [] : [{ line: { scope, period }, pending, held }];
      },
    );
    return { differing, overdue };
  }

  async correct(line: BudgetLine, expected: NanoUsd, difference: NanoUsd): Promise<boolean> {
    this.#checkOpen();
    const counter = this.#counter(line);
    if (counter.posted !== expected) return false;
    counter.posted += difference;
    return true;
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  #release(id: string): readonly Counter[] | undefined {
    const held = this.#held.get(id);
    if (held === undefined) return undefined;
    this.#held.delete(id);
    for (const counter of held.counters) counter.pending -= held.estimate;
    return held.counters;
  }

  #post(id: string, counters: readonly Counter[], amount: NanoUsd, guess: boolean, now: number): void {
    for (const counter of counters) counter.posted += amount;
    if (!guess) {
      this.#remember(id);
      return;
    }
    this.#guesses.set(id, { counters, posted: amount, at: now });
    let looked = 0;
    for (const [oldest, { at }] of this.#guesses) {
      if (looked++ === FORGET_AT_ONCE || at + this.#rememberMs > now) break;
      this.#guesses.delete(oldest);
    }
  }

  #isCertain(id: string): boolean {
    return this.#certain.has(id) || this.#certainBefore.has(id);
  }

  #remember(id: string): void {
    if (this.#certain.size >= this.#remembered) {
      this.#certainBefore = this.#certain;
      this.#certain = new Set();
    }
    this.#certain.add(id);
  }

  #countersOf(lines: readonly BudgetLine[]): readonly Counter[] {
    const known = this.#ofLists.get(lines);
    if (known !== undefined) return known;
    const counters = lines.map((line) => this.#counter(line));
    if (Object.isFrozen(lines)) this.#ofLists.set(lines, counters);
    return counters;
  }

  #counter(line: BudgetLine): Counter {
    const key = lineKey(line);
    let counter = this.#counters.get(key);
    if (counter === undefined) {
      counter = { posted: 0n, pending: 0n };
      this.#counters.set(key, counter);
    }
    return counter;
  }

  #checkOpen(): void {
    if (this.#closed)
      throw new GatewayError("ledger_unavailable", "the reservations are closed", { retryAfterMs: 1_000 });
  }
}
