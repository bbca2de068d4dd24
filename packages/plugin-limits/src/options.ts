import type { Call, LimitRule, LimitStore } from "@signalbox/kernel";

/** How much may be done in a minute, and at once. What it leaves out is not limited; 0 lets nothing through. */
export interface Limit {
  readonly requestsPerMinute?: number;
  readonly tokensPerMinute?: number;
  /** Which tokens count. Default: `LimitsOptions.tokens`. */
  readonly tokens?: TokenKind;
  /** Most calls that run at the same time. */
  readonly parallel?: number;
}

/** Tokens that count: of both directions, of requests, of answers. */
export type TokenKind = "total" | "input" | "output";

/** Limits by public model name. `openai/*` is one limit for all models that it covers; each that covers a model holds. */
export type ModelLimits = Readonly<Record<string, Limit>>;

/**
 * Options of `limits`. What a caller brings along (`Principal.limits`) always holds; of the limits for every key, user,
 * team and organization those hold that the caller's own do not name.
 */
export interface LimitsOptions {
  /** All calls together. */
  readonly gateway?: Limit;
  /** All calls of a model together. */
  readonly models?: ModelLimits;
  /** Each key. */
  readonly keys?: Limit;
  readonly users?: Limit;
  readonly teams?: Limit;
  readonly organizations?: Limit;
  /** Each end user that calls name (`user`, `x-signalbox-end-user-id`). */
  readonly customers?: Limit;
  /** Each key at a model. */
  readonly keyModels?: ModelLimits;
  readonly teamModels?: ModelLimits;
  /** Further limits of one call, before the ones above: of its end user, say, from a table of one's own. Must be quick. */
  readonly rules?: (call: Call) => readonly LimitRule[] | undefined;
  /** Default `total`. */
  readonly tokens?: TokenKind;
  /**
   * When the shared store cannot answer. `local` (default): each process counts for itself, up to its share of the limit.
   * `closed`: nothing that is limited is let through.
   */
  readonly onStoreFailure?: "local" | "closed";
  /** How many processes share the limits at least, for `local`. More are noticed where there is a shared state. Default 1. */
  readonly processes?: number;
  /** How long the place of a process that died stays taken. Default 60,000. */
  readonly leaseMs?: number;
  /** What limits the caller's key, and what is left of it at a model, stands in the response. Default false. */
  readonly keyHeaders?: boolean;
  /** Where is counted. Default: the gateway's store, else the memory of this process. */
  readonly store?: LimitStore;
}
