import type { BudgetRule, LimitRule, LimitShare, Scope } from "@signalbox/kernel";
import { parseUsd } from "@signalbox/kernel";
import type { Bounds } from "../records/records.ts";

const DECIMALS = 9;

/** Nano-dollars of an amount from JSON. */
function nanoUsd(amount: number): bigint {
  return parseUsd(amount.toFixed(DECIMALS));
}

/** Budgets and limits with what a budget record fills in. */
export function withBudget(own: Bounds, budget: Bounds | undefined): Bounds {
  if (budget === undefined) return own;
  const filled: Record<string, unknown> = { ...own };
  for (const name of BOUND_NAMES) if (own[name] === undefined || own[name] === null) filled[name] = budget[name];
  return filled;
}

/** Names of `Bounds` that a budget record can fill in. */
const BOUND_NAMES = [
  "max_budget",
  "soft_budget",
  "budget_duration",
  "max_parallel_requests",
  "tpm_limit",
  "rpm_limit",
  "model_max_budget",
  "model_rpm_limit",
  "model_tpm_limit",
] as const;

/** What a scope may spend. */
export function budgetRules(scope: Scope, bounds: Bounds, extra: BudgetExtras = {}): readonly BudgetRule[] {
  const rules: BudgetRule[] = [];
  const { max_budget: limit, soft_budget: soft, budget_duration: duration } = bounds;
  if (isSet(limit) || isSet(soft)) {
    rules.push({
      scope,
      limit: isSet(limit) ? nanoUsd(limit) : null,
      ...(isSet(duration) && { duration }),
      ...(isSet(soft) && { soft: nanoUsd(soft) }),
      ...(isSet(extra.increaseBy) &&
        isSet(extra.increaseUntil) && {
          increase: { by: nanoUsd(extra.increaseBy), until: Date.parse(extra.increaseUntil) },
        }),
    });
  }
  for (const { max_budget, budget_duration } of extra.windows ?? []) {
    rules.push({ scope, limit: nanoUsd(max_budget), duration: budget_duration });
  }
  for (const [model, { budget_limit, time_period }] of Object.entries(bounds.model_max_budget ?? {})) {
    rules.push({
      scope: { ...scope, model },
      limit: budget_limit === null ? null : nanoUsd(budget_limit),
      ...(time_period !== undefined && { duration: time_period }),
    });
  }
  return rules;
}

/** Of keys alone. */
export interface BudgetExtras {
  readonly increaseBy?: number | null | undefined;
  readonly increaseUntil?: string | null | undefined;
  readonly windows?: readonly { readonly budget_duration: string; readonly max_budget: number }[] | null | undefined;
}

/** Of whose limits a scope has a share, and how much that weighs. */
export interface SharedLimits {
  readonly weight: number;
  readonly requests?: { readonly of: Scope; readonly limit: number };
  readonly tokens?: { readonly of: Scope; readonly limit: number };
}

/** What a scope may do in a minute, and at once. */
export function limitRules(scope: Scope, bounds: Bounds, shared?: SharedLimits): readonly LimitRule[] {
  const rules: LimitRule[] = [];
  const { max_parallel_requests: parallel } = bounds;
  let { rpm_limit: requests, tpm_limit: tokens } = bounds;
  if (shared?.requests !== undefined) {
    const { of, limit } = shared.requests;
    rules.push({ scope, requestsPerMinute: limit, share: shareOf(of, shared.weight, requests) });
    requests = null;
  }
  if (shared?.tokens !== undefined) {
    const { of, limit } = shared.tokens;
    rules.push({ scope, tokensPerMinute: limit, share: shareOf(of, shared.weight, tokens) });
    tokens = null;
  }
  if (isSet(requests) || isSet(tokens) || isSet(parallel)) {
    rules.push({
      scope,
      ...(isSet(requests) && { requestsPerMinute: requests }),
      ...(isSet(tokens) && { tokensPerMinute: tokens }),
      ...(isSet(parallel) && { parallel }),
    });
  }
  const models = new Set([...Object.keys(bounds.model_rpm_limit ?? {}), ...Object.keys(bounds.model_tpm_limit ?? {})]);
  for (const model of models) {
    const requestsPerMinute = bounds.model_rpm_limit?.[model];
    const tokensPerMinute = bounds.model_tpm_limit?.[model];
    rules.push({
      scope: { ...scope, model },
      ...(requestsPerMinute !== undefined && { requestsPerMinute }),
      ...(tokensPerMinute !== undefined && { tokensPerMinute }),
    });
  }
  return rules;
}

/** A limit of its own is what it always has. */
function shareOf(of: Scope, weight: number, least: number | null | undefined): LimitShare {
  return { of, weight, ...(isSet(least) && { least }) };
}

function isSet<Value>(value: Value | null | undefined): value is Value {
  return value !== undefined && value !== null;
}
