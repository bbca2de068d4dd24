import type {
  BudgetLine,
  Entry,
  ReservationAnswer,
  ReservationRequest,
  Settlement,
  Spend,
  SpendQuery,
} from "./ledger.ts";
import type { NanoUsd } from "./money.ts";

/** What is posted and reserved on one line. */
export interface LineBalance {
  readonly posted: NanoUsd;
  readonly pending: NanoUsd;
}

/** A reservation whose process has not been heard of; it is posted at its estimate. */
export interface ReapedReservation {
  readonly id: string;
  readonly estimate: NanoUsd;
  readonly lines: readonly BudgetLine[];
}

/**
 * The counters behind budgets: in memory, in Redis or in PostgreSQL. `posted + pending <= limit` at every moment;
 * every operation is atomic over its lines, and idempotent by id.
 */
export interface ReservationStore {
  /** Held for `leaseMs`, then to be renewed. */
  reserve(request: ReservationRequest, leaseMs: number): Promise<ReservationAnswer>;
  /**
   * Posts what was spent in place of what was reserved; a void is a settlement of 0. A settled id again: only the
   * difference is posted. An id without a reservation is posted to `lines`.
   */
  settle(settlements: readonly (Settlement & { readonly lines: readonly BudgetLine[] })[]): Promise<void>;
  renew(ids: readonly string[], leaseMs: number): Promise<void>;
  /** Posts reservations whose lease is over at their estimate, and tells which. */
  reap(): Promise<readonly ReapedReservation[]>;
  balance(line: BudgetLine): Promise<LineBalance>;
  /** Moves `posted` by a difference that the reconciler found, unless it has changed since `expected`. */
  correct(line: BudgetLine, expected: NanoUsd, difference: NanoUsd): Promise<boolean>;
  close?(): Promise<void>;
}

/** What one row of a report is about, and its sums. */
export interface ReportRow {
  readonly group: Readonly<Record<string, string>>;
  readonly billed: NanoUsd;
  readonly requests: number;
  readonly failures: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cacheReadTokens: number;
  readonly cacheWriteTokens: number;
}

/** Sums over entries. Scope kinds such as `team` group by the id that an entry has for them. */
export interface ReportQuery extends SpendQuery {
  readonly groupBy: readonly ("day" | "model" | "provider" | "deployment" | "operation" | (string & {}))[];
  /** IANA zone of `day`. Default UTC. */
  readonly timezone?: string;
}

/** Where entries are kept for good: SQLite or PostgreSQL. */
export interface EntryStore {
  /** Idempotent by id. A `counted` or `estimated` entry may be replaced by a `final` or `void` one, and no other. */
  append(entries: readonly Entry[]): Promise<void>;
  spent(query: SpendQuery): Promise<Spend>;
  report(query: ReportQuery): Promise<readonly ReportRow[]>;
  /** Newest first. */
  list(query: SpendQuery & { readonly limit?: number; readonly offset?: number }): Promise<readonly Entry[]>;
  get(id: string): Promise<Entry | undefined>;
  close?(): Promise<void>;
}
