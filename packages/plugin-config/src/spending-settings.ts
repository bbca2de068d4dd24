import type { BudgetRule, Provider } from "@signalbox/kernel";
import { didYouMean } from "@signalbox/kernel";
import type { ConfigValues } from "./config-values.ts";
import type { TokenKind } from "./money-values.ts";
import { nanoUsd, percentText } from "./money-values.ts";
import { needsSwitch } from "./one-of-several.ts";
import type { ProviderCatalog } from "./provider-catalog.ts";
import type { Row } from "./shares.ts";
import type { KeyPath, Source } from "./source.ts";

/** How much a configuration lets be done in a minute, and at once: options of `limits`. */
export interface LimitSettings {
  readonly gateway?: { readonly parallel?: number };
  readonly keys?: { readonly parallel?: number };
  readonly tokens?: TokenKind;
  readonly onStoreFailure?: "local" | "closed";
  readonly keyHeaders?: boolean;
}

/** How much may be spent: options of `budgets`. */
export interface BudgetSettings {
  readonly budgets?: readonly BudgetRule[];
  readonly timezone?: string;
  readonly defaultMaxOutputTokens?: number;
  readonly clampOutputTokens?: boolean;
  readonly fitOutputTokens?: boolean;
  readonly streamCost?: boolean;
  readonly keyHeaders?: boolean;
}

/** What is taken off or put on costs: options of `pricing`. Percent, as text. */
export interface PricingSettings {
  readonly discounts?: Readonly<Record<string, string>>;
  readonly margins?: Readonly<Record<string, { readonly percent?: string; readonly fixed?: number }>>;
}

/** What budgets and prices are found by. */
export interface SpendingContext {
  readonly source: Source;
  readonly catalog: ProviderCatalog;
  readonly rows: readonly Row[];
}

export function collectLimits({ general_settings: general = {} }: ConfigValues): LimitSettings {
  const { max_parallel_requests: parallel, global_max_parallel_requests: together } = general;
  const { token_rate_limit_type: tokens, fail_closed_rate_limit_enforcement: closed } = general;
  const { key_response_headers: keyHeaders } = general;
  return {
    ...(keyHeaders !== undefined && { keyHeaders }),
    ...(together !== undefined && { gateway: { parallel: together } }),
    ...(parallel !== undefined && { keys: { parallel } }),
    ...(tokens !== undefined && { tokens }),
    ...(closed !== undefined && { onStoreFailure: closed ? ("closed" as const) : ("local" as const) }),
  };
}

export function collectBudgets(values: ConfigValues, context: SpendingContext): BudgetSettings {
  const { source } = context;
  const { general_settings: general = {}, litellm_settings: calls = {} } = values;
  const budgets: BudgetRule[] = [];
  const add = (scope: BudgetRule["scope"], dollars: number | undefined, duration?: string): void => {
    if (dollars === undefined) return;
    budgets.push({ scope, limit: nanoUsd(dollars), ...(duration !== undefined && { duration }) });
  };
  add({ kind: "gateway", id: "gateway" }, calls.max_budget, calls.budget_duration);
  if (general.max_budget !== undefined) {
    add({ kind: "key", id: "*" }, general.max_budget, general.budget_duration);
    // it is for virtual keys: administrators have none
    const masters = (general.master_key === undefined ? 0 : 1) + (general.master_keys?.length ?? 0);
    for (let count = 1; count <= Math.max(1, masters); count++) {
      budgets.push({ scope: { kind: "key", id: count === 1 ? "master" : `master-${count}` }, limit: null });
    }
  }
  const { max_end_user_budget: customers, max_end_user_budget_duration: customersFor } = calls;
  add({ kind: "customer", id: "*" }, customers, customersFor);
  needsSwitch(
    source,
    "litellm_settings",
    "max_end_user_budget_duration",
    "max_end_user_budget",
    "add max_end_user_budget",
  );
  for (const [section, settings] of [
    ["general_settings", general],
    ["litellm_settings", calls],
  ] as const) {
    if (settings.budget_duration === undefined || !source.lacks([section], "max_budget")) continue;
    source.problem([section, "budget_duration"], "has no effect alone", "add max_budget");
  }
  for (const [name, limit] of Object.entries(values.router_settings?.provider_budget_config ?? {})) {
    const path: KeyPath = ["router_settings", "provider_budget_config", name];
    const provider = providerNamed(name, path, context);
    if (limit?.budget_limit === undefined) source.missing(path, "budget_limit");
    if (provider === undefined || limit === undefined) continue;
    add({ kind: "provider", id: provider.name }, limit.budget_limit, limit.time_period);
  }
  for (const { index, deployment } of context.rows) {
    const { max_budget: most, budget_duration: each } = values.model_list?.[index]?.litellm_params ?? {};
    const at: KeyPath = ["model_list", index, "litellm_params"];
    if (each !== undefined && source.lacks(at, "max_budget") && !source.faulty([...at, "budget_duration"])) {
      source.problem([...at, "budget_duration"], "has no effect alone", "add max_budget");
    }
    add({ kind: "deployment", id: deployment.id }, most, each);
  }
  const { default_max_output_tokens: defaultMaxOutputTokens, clamp_max_tokens: clampOutputTokens } = general;
  const {
    fit_max_tokens: fitOutputTokens,
    stream_response_cost: streamCost,
    key_response_headers: keyHeaders,
  } = general;
  return {
    ...(budgets.length > 0 && { budgets }),
    ...(calls.timezone !== undefined && { timezone: calls.timezone }),
    ...(defaultMaxOutputTokens !== undefined && { defaultMaxOutputTokens }),
    ...(clampOutputTokens !== undefined && { clampOutputTokens }),
    ...(fitOutputTokens !== undefined && { fitOutputTokens }),
    ...(streamCost !== undefined && { streamCost }),
    ...(keyHeaders !== undefined && { keyHeaders }),
  };
}

export function collectPricing(values: ConfigValues, context: SpendingContext): PricingSettings {
  const { cost_discount_config: discountConfig, cost_margin_config: marginConfig } = values.litellm_settings ?? {};
  const discounts: Record<string, string> = {};
  const margins: Record<string, { readonly percent?: string; readonly fixed?: number }> = {};
  for (const [name, off] of Object.entries(discountConfig ?? {})) {
    const owner = ownerNamed(name, ["litellm_settings", "cost_discount_config", name], context);
    if (owner !== undefined && off !== undefined) discounts[owner] = percentText(off);
  }
  for (const [name, margin] of Object.entries(marginConfig ?? {})) {
    const owner = ownerNamed(name, ["litellm_settings", "cost_margin_config", name], context);
    if (owner === undefined || margin === undefined) continue;
    const { percentage, fixed_amount: fixed } = typeof margin === "number" ? { percentage: margin } : margin;
    margins[owner] = {
      ...(percentage !== undefined && { percent: percentText(percentage) }),
      ...(fixed !== undefined && { fixed }),
    };
  }
  return {
    ...(Object.keys(discounts).length > 0 && { discounts }),
    ...(Object.keys(margins).length > 0 && { margins }),
  };
}

function ownerNamed(name: string, path: KeyPath, context: SpendingContext): string | undefined {
  return name === "global" ? name : providerNamed(name, path, context)?.name;
}

function providerNamed(name: string, path: KeyPath, { catalog, source }: SpendingContext): Provider | undefined {
  const provider = catalog.resolve(name);
  if (provider !== undefined) return provider;
  source.problem(path, "is not a provider of this gateway", didYouMean(name, catalog.slugs()).trim() || undefined);
  return undefined;
}
