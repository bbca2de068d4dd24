import type {
  BudgetLine,
  Entry,
  ReservationAnswer,
  ReservationRequest,
  Scope,
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

/** What is reserved, beside what counters say of it. */
export interface HeldCheck {
  /** Lines on which `pending` is not the sum of what is held on them. */
  readonly differing: readonly {
    readonly line: LineSum["line"];
    readonly pending: NanoUsd;
    readonly held: NanoUsd;
  }[];
  /** How many reservations outlived their lease, and nobody has seen to an end for them. */
  readonly overdue: number;
}

/** A settlement, and the lines it is posted to where its reservation is not known. */
export interface LineSettlement extends Settlement {
  readonly lines: readonly BudgetLine[];
  /** What its entry has posted already: of an id that the counters do not know, only the difference is posted. */
  readonly written?: NanoUsd;
}

/** What entries have posted on one line. */
export interface LineSum {
  readonly line: Pick<BudgetLine, "scope" | "period">;
  readonly posted: NanoUsd;
}

/** What one process tells when counters were lost. */
export interface CounterRecovery {
  /** What it has reserved, and not settled. */
  readonly held: readonly ReservationRequest[];
  /** What it has settled, and no entry says yet. It writes no entry until `recover` has ended. */
  readonly unwritten: readonly LineSettlement[];
  readonly leaseMs: number;
  /** Nothing is on record, so there are no other processes to wait for. */
  readonly first?: boolean;
  /** What entries say of every line, in pieces. Asked of one process only, when every other has told its part. */
  written(): AsyncIterable<readonly LineSum[]>;
}

/**
 * The counters behind budgets: in memory, in Redis or in PostgreSQL. `posted + pending <= limit` at every moment;
 * every operation is atomic over its lines, and idempotent by id.
 */
export interface ReservationStore {
  /** The counters end with this process: of a reservation that was not sent, nothing is left then. */
  readonly ownProcess?: boolean;
  /** Held for `leaseMs`, then to be renewed. */
  reserve(request: ReservationRequest, leaseMs: number): Promise<ReservationAnswer>;
  /**
   * Posts what was spent in place of what was reserved; a void is a settlement of 0. A settled id again: only the
   * difference is posted. An id without a reservation is posted to `lines`.
   */
  settle(settlements: readonly LineSettlement[]): Promise<void>;
  renew(ids: readonly string[], leaseMs: number): Promise<void>;
  /** Posts reservations whose lease is over at their estimate, and tells which. */
  reap(): Promise<readonly ReapedReservation[]>;
  balance(line: BudgetLine): Promise<LineBalance>;
  /** Of each in its order, with few questions to a server. Without it, each is asked for. */
  balances?(lines: readonly BudgetLine[]): Promise<readonly LineBalance[]>;
  /**
   * Compares, as of one moment, `pending` of these lines with what is held, and of those on which something is held. Overdue is
   * what nobody has reaped so many milliseconds after its lease. undefined: more is held than can be looked at.
   */
  checkHeld?(lines: readonly BudgetLine[], overdueMs: number): Promise<HeldCheck | undefined>;
  /** Moves `posted` by a difference that the reconciler found, unless it has changed since `expected`. */
  correct(line: BudgetLine, expected: NanoUsd, difference: NanoUsd): Promise<boolean>;
  /**
   * Only where counters may be lost while their entries are kept: a name for what is counted since they were empty.
   * undefined: they are lost; until they are rebuilt, everything but `recover` throws `ledger_unavailable`.
   */
  generation?(): Promise<string | undefined>;
  /**
   * To be called by every process that sees another generation than before, or none. Resolves when the counters are open,
   * rebuilt by one of those that called: `posted` from what is written and unwritten, `pending` from what is held. A process
   * that comes when they are open again adds what it holds and what it has not written. Throws when that cannot be done;
   * then it is to be called again.
   */
  recover?(part: CounterRecovery): Promise<void>;
  /**
   * Tells whether a process has written the entries of all that it has settled; undefined: it ends, and has. Answers whether
   * all have that were ever heard of, within so many milliseconds. Those that are silent for a day are forgotten. Without
   * it, a reconciler never lowers a counter.
   */
  quiet?(process: string, written: boolean | undefined, withinMs: number): Promise<boolean>;
  close?(): Promise<void>;
}

/** What one row of a report is about, and its sums. */
export interface ReportRow {
  readonly group: Readonly<Record<string, string>>;
  readonly billed: NanoUsd;
  readonly requests: number;
  readonly failures: number;
  /** Of the requests, those that a cache answered. */
  readonly cacheHits: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cacheReadTokens: number;
  readonly cacheWriteTokens: number;
  /** What providers' prompt caches saved; below zero where writing cost more. */
  readonly cacheSavings: NanoUsd;
}

/** Sums over entries. Scope kinds such as `team` group by the id that an entry has for them. */
export interface ReportQuery extends SpendQuery {
  readonly groupBy: readonly ("day" | "model" | "provider" | "deployment" | "operation" | (string & {}))[];
  /** IANA zone of `day`. Default UTC. */
  readonly timezone?: string;
}

/** Which entries, in which order. What it leaves out matches all. */
export interface EntryQuery extends SpendQuery {
  /** Entries that have all of these. */
  readonly scopes?: readonly Scope[];
  readonly callId?: string;
  readonly operation?: string;
  readonly model?: string;
  readonly deployment?: string;
  readonly provider?: string;
  /** Whether the attempt has failed. */
  readonly failed?: boolean;
  readonly errorCode?: string;
  /** Of `billed`, inclusive. */
  readonly minimum?: NanoUsd;
  readonly maximum?: NanoUsd;
  /** Default `startedAt`. */
  readonly sortBy?: "startedAt" | "endedAt" | "billed" | "inputTokens" | "outputTokens";
  /** Default: the newest, latest or largest first. */
  readonly ascending?: boolean;
  /** Default 100. */
  readonly limit?: number;
  readonly offset?: number;
}

/** Where entries are kept for good: SQLite or PostgreSQL. */
export interface EntryStore {
  /**
   * Idempotent by id. A `counted` or `estimated` entry may be replaced by a `final` or `void` one, and no other. Throws
   * `invalid_request` when one of them can never be written; the others may have been written then.
   */
  append(entries: readonly Entry[]): Promise<void>;
  spent(query: SpendQuery): Promise<Spend>;
  /** What `spent` answers to each, in their order, at the price of about one. Without it, each is asked for by itself. */
  spentEach?(queries: readonly SpendQuery[]): Promise<readonly Spend[]>;
  report(query: ReportQuery): Promise<readonly ReportRow[]>;
  /** Newest first, unless told otherwise. */
  list(query: EntryQuery): Promise<readonly Entry[]>;
  /** How many `list` would find, counted up to `most`. Order, limit and offset do not matter. */
  count(query: EntryQuery, most: number): Promise<number>;
  get(id: string): Promise<Entry | undefined>;
  /** What entries have posted on each budget line, in pieces, as of one moment. Without it, all entries are read. */
  lineSums?(): AsyncIterable<readonly LineSum[]>;
  /** Does the work unless another process does work of this name at the moment; answers whether. */
  exclusively?(name: string, work: () => Promise<void>): Promise<boolean>;
  close?(): Promise<void>;
}
