import { GatewayError } from "../errors.ts";
import type {
  BudgetLine,
  Entry,
  EntryStatus,
  Ledger,
  ReservationAnswer,
  ReservationRequest,
  Scope,
  Settlement,
  Spend,
  SpendQuery,
} from "../ledger.ts";
import type { NanoUsd } from "../money.ts";

interface Counter {
  posted: NanoUsd;
  pending: NanoUsd;
}

interface Reservation {
  readonly estimate: NanoUsd;
  readonly counters: readonly Counter[];
  /** Undefined while it is held. */
  status: EntryStatus | undefined;
  posted: NanoUsd;
}

const NOTHING: Spend = { billed: 0n, pending: 0n, entries: 0 };

/** Unambiguous: ids may hold any separator. */
function scopeKey({ kind, id, model }: Scope): string {
  return JSON.stringify(model === undefined ? [kind, id] : [kind, id, model]);
}

/**
 * The contract of a ledger in its shortest form: in memory, for tests, lost when the process ends. In one process and
 * without awaiting between reading and writing, every operation is atomic by itself.
 */
export class MemoryLedger implements Ledger {
  /** Scope → period → what is spent and reserved. */
  readonly #counters = new Map<string, Map<string, Counter>>();
  readonly #reservations = new Map<string, Reservation>();
  readonly #entries = new Map<string, Entry>();
  #closed = false;

  async reserve({ id, estimate, lines }: ReservationRequest): Promise<ReservationAnswer> {
    this.#checkOpen();
    if (this.#reservations.has(id)) return { held: true };
    const counters = lines.map((line) => this.#counter(line));
    for (const [index, line] of lines.entries()) {
      const { posted, pending } = counters[index] as Counter;
      if (line.limit !== null && posted + pending + estimate > line.limit) {
        return { held: false, line, spent: posted, pending };
      }
    }
    for (const counter of counters) counter.pending += estimate;
    this.#reservations.set(id, { estimate, counters, status: undefined, posted: 0n });
    return { held: true };
  }

  async settle({ id, actual, status }: Settlement): Promise<void> {
    this.#checkOpen();
    this.#resolve(id, actual, status);
  }

  async void(id: string): Promise<void> {
    this.#checkOpen();
    this.#resolve(id, 0n, "void");
  }

  async append(entry: Entry): Promise<void> {
    this.#checkOpen();
    if (!this.#entries.has(entry.id)) this.#entries.set(entry.id, entry);
  }

  async adjust(entry: Entry): Promise<void> {
    await this.append(entry);
    if (this.#reservations.has(entry.id)) return;
    const counters = (entry.lines ?? []).map((line) => this.#counter({ ...line, limit: null }));
    this.#reservations.set(entry.id, { estimate: 0n, counters, status: undefined, posted: 0n });
    this.#resolve(entry.id, entry.billed, "final");
  }

  async spent({ scope, period, from, to }: SpendQuery): Promise<Spend> {
    this.#checkOpen();
    const wanted = scope === undefined ? undefined : scopeKey(scope);
    let { billed, pending, entries } = NOTHING;
    for (const entry of this.#entries.values()) {
      if (wanted !== undefined && !entry.scopes.some((one) => scopeKey(one) === wanted)) continue;
      if (from !== undefined && entry.startedAt < from) continue;
      if (to !== undefined && entry.startedAt >= to) continue;
      if (period !== undefined && !this.#counted(entry, wanted, period)) continue;
      entries++;
      billed += entry.billed;
    }
    for (const [key, periods] of this.#counters) {
      if (wanted !== undefined && key !== wanted) continue;
      for (const [name, counter] of periods) if (period === undefined || name === period) pending += counter.pending;
    }
    return { billed, pending, entries };
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  /** Moves what is held, or what was only guessed, to what is now known. Everything else is a repetition. */
  #resolve(id: string, actual: NanoUsd, status: EntryStatus): void {
    const reservation = this.#reservations.get(id);
    if (reservation === undefined) return; // never held: no counter to move, the entry alone records the cost
    const { status: before } = reservation;
    const guessed = before === "estimated" || before === "counted";
    if (before !== undefined && !(guessed && (status === "final" || status === "void"))) return;
    for (const counter of reservation.counters) {
      if (before === undefined) counter.pending -= reservation.estimate;
      counter.posted += actual - reservation.posted;
    }
    reservation.status = status;
    reservation.posted = actual;
  }

  /** Whether an entry belongs to a period: the one that its reservation was made in. */
  #counted(entry: Entry, scope: string | undefined, period: string): boolean {
    const counters = this.#reservations.get(entry.id)?.counters ?? [];
    const scopes = scope === undefined ? entry.scopes.map(scopeKey) : [scope];
    return scopes.some((key) => {
      const counter = this.#counters.get(key)?.get(period);
      return counter !== undefined && counters.includes(counter);
    });
  }

  #counter({ scope, period }: BudgetLine): Counter {
    const key = scopeKey(scope);
    const periods = this.#counters.get(key) ?? new Map<string, Counter>();
    this.#counters.set(key, periods);
    const counter = periods.get(period) ?? { posted: 0n, pending: 0n };
    periods.set(period, counter);
    return counter;
  }

  #checkOpen(): void {
    if (this.#closed) throw new GatewayError("ledger_unavailable", "the ledger is closed", { retryAfterMs: 1_000 });
  }
}
