import type { Scope } from "./ledger.ts";
import type { NanoUsd } from "./money.ts";

/** How much a scope may spend in a time. */
export interface BudgetRule {
  readonly scope: Scope;
  /** null: no limit. 0: nothing may be spent. */
  readonly limit: NanoUsd | null;
  /** `30s`, `30m`, `24h`, `7d`, `1w`, `30d`, `1mo`; without it the limit is for ever. */
  readonly duration?: string;
  /** IANA zone in which days, weeks and months begin. Default: the gateway's. */
  readonly timezone?: string;
  /** Tells, and blocks nothing. */
  readonly soft?: NanoUsd;
  /** Added to the limit until then (epoch milliseconds). */
  readonly increase?: { readonly by: NanoUsd; readonly until: number };
}

/** A part of what another scope may do, by weight among those of its parts that are active. */
export interface LimitShare {
  readonly of: Scope;
  /** More than 0. */
  readonly weight: number;
  /** What it always has, whoever else is active. */
  readonly least?: number;
}

/** How much a scope may do in a minute, and at once. */
export interface LimitRule {
  readonly scope: Scope;
  readonly requestsPerMinute?: number;
  readonly tokensPerMinute?: number;
  /** Which tokens count. Default `total`. */
  readonly tokens?: "total" | "input" | "output";
  readonly parallel?: number;
  /** Requests and tokens are those of another scope, which is limited too: this one may do its share of them. */
  readonly share?: LimitShare;
}
