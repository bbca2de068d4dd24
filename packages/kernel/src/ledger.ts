import type { NanoUsd } from "./money.ts";
import type { CostLine } from "./pricing.ts";
import type { Usage } from "./usage.ts";

/** Something that has a budget: `{ kind: "team", id: "t-1" }`, or a model of a key: `{ kind: "key", id, model }`. */
export interface Scope {
  readonly kind:
    | "gateway"
    | "organization"
    | "team"
    | "teamMember"
    | "user"
    | "key"
    | "customer"
    | "tag"
    | "session"
    | "provider"
    | "deployment"
    | (string & {});
  readonly id: string;
  readonly model?: string;
}

/** How much a scope may spend in one period. */
export interface BudgetLine {
  readonly scope: Scope;
  /** Derived from time and zone: `2026-11`, `2026-W47`, `all`. A new period is a new line. */
  readonly period: string;
  /** null: no limit. 0: nothing may be spent. */
  readonly limit: NanoUsd | null;
}

/** The most that an attempt can cost, to be set aside in every budget it counts against. */
export interface ReservationRequest {
  /** `callId/attempt`. The same id again is answered as before and changes nothing. */
  readonly id: string;
  /** Upper bound of what the attempt can cost. */
  readonly estimate: NanoUsd;
  /** All are reserved, or none. */
  readonly lines: readonly BudgetLine[];
  /** What its entry will say, should the process end before it can append one. */
  readonly about?: EntryOutline;
}

/** What is known of an entry before the provider is called. */
export type EntryOutline = Pick<
  Entry,
  | "callId"
  | "attempt"
  | "operation"
  | "model"
  | "deployment"
  | "provider"
  | "scopes"
  | "startedAt"
  | "tags"
  | "metadata"
>;

/** Whether the amount was reserved, and if not, which limit stood against it. */
export type ReservationAnswer =
  | { readonly held: true }
  | { readonly held: false; readonly line: BudgetLine; readonly spent: NanoUsd; readonly pending: NanoUsd };

/**
 * What is known of the cost: `final` from the provider's usage, `counted` from what was seen of a broken stream,
 * `estimated` when nothing is known, `void` when it certainly cost nothing.
 */
export type EntryStatus = "final" | "counted" | "estimated" | "void";

/** What an attempt has really cost, in place of what was reserved for it. */
export interface Settlement {
  readonly id: string;
  readonly actual: NanoUsd;
  readonly status: Exclude<EntryStatus, "void">;
}

/** One attempt, on record. Append-only; only `counted` and `estimated` may later become `final` or `void`. */
export interface Entry {
  /** `callId/attempt`. The same id again is ignored. */
  readonly id: string;
  readonly callId: string;
  readonly attempt: number;
  readonly operation: string;
  /** Public model name. */
  readonly model: string;
  readonly deployment: string;
  readonly provider: string;
  readonly scopes: readonly Scope[];
  /** The budget lines it is charged to, as they were reserved: what counters are rebuilt from. The ledger fills it in. */
  readonly lines?: readonly Pick<BudgetLine, "scope" | "period">[];
  readonly usage: Usage;
  /** What the provider charges. */
  readonly cost: NanoUsd;
  /** What budgets are charged: cost after discount and margin. */
  readonly billed: NanoUsd;
  /** How the cost was computed. */
  readonly costLines?: readonly CostLine[];
  /** Where the prices come from, and of when. */
  readonly priceVersion?: string;
  readonly status: EntryStatus;
  /** Why the reply ended: `stop`, `length`, `client_closed`. */
  readonly finishReason?: string;
  /** Epoch milliseconds. */
  readonly startedAt: number;
  readonly firstEventAt?: number;
  readonly endedAt: number;
  readonly cacheHit?: boolean;
  /** What the provider's prompt cache saved: see `Cost.cacheSavings`. */
  readonly cacheSavings?: NanoUsd;
  readonly errorCode?: string;
  readonly tags?: readonly string[];
  readonly metadata?: Readonly<Record<string, unknown>>;
}

/** Which entries to sum up; all that it leaves out match. */
export interface SpendQuery {
  readonly scope?: Scope;
  /** Entries that are charged to a budget line of this period; with a scope: to this very line. */
  readonly period?: string;
  /** Epoch milliseconds: from inclusive, to exclusive. */
  readonly from?: number;
  readonly to?: number;
}

/** Sums over entries. */
export interface Spend {
  readonly billed: NanoUsd;
  /** Reserved, not settled. */
  readonly pending: NanoUsd;
  readonly entries: number;
}

/**
 * Holds every call's usage and cost, and the reservations that keep budgets from being overspent.
 *
 * Promises: `spent + pending + estimate <= limit` for every held reservation; `reserve` is atomic over its lines;
 * every operation may be repeated without effect; each id is settled or voided once, and only `counted` or
 * `estimated` amounts may be corrected later.
 * A ledger that cannot decide throws `ledger_unavailable`.
 */
export interface Ledger {
  reserve(request: ReservationRequest): Promise<ReservationAnswer>;
  /**
   * The attempt is about to be sent: from now on it may cost something, even if nobody ever settles it. Resolves when
   * that would survive the end of this process, and nothing must be sent before. An attempt that was never dispatched ends at 0.
   * @throws {GatewayError} `overloaded` when it cannot be noted; then nothing must be sent
   */
  dispatched?(id: string): void | Promise<void>;
  settle(settlement: Settlement): Promise<void>;
  /** Nothing was sent, or the failure is known to cost nothing. */
  void(id: string): Promise<void>;
  append(entry: Entry): Promise<void>;
  /**
   * By hand: moves what is posted on the entry's `lines` by what it bills, which may be negative, and keeps the entry.
   * Nothing that is on record changes. The same id again is ignored.
   */
  adjust?(entry: Entry): Promise<void>;
  spent(query: SpendQuery): Promise<Spend>;
  /** What `spent` answers to each, in their order, at the price of about one. Without it, each is asked for by itself. */
  spentEach?(queries: readonly SpendQuery[]): Promise<readonly Spend[]>;
  close?(): Promise<void>;
}
