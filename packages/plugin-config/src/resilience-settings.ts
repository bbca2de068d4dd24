import type { ConfigValues } from "./config-values.ts";
import type { FallbackChains } from "./fallback-chains.ts";
import { collectSpecialChains } from "./fallback-chains.ts";
import { needsSwitch, oneOfSeveral } from "./one-of-several.ts";
import type { PublicNames } from "./public-names.ts";
import type { AllowedFailsValues, RetryPolicyValues } from "./router-values.ts";
import type { Source } from "./source.ts";
import { milliseconds } from "./timeouts.ts";

const CLASSES = {
  badRequest: "BadRequestError",
  authentication: "AuthenticationError",
  timeout: "TimeoutError",
  rateLimit: "RateLimitError",
  contentPolicy: "ContentPolicyViolationError",
  internalServer: "InternalServerError",
} as const;

/** A figure for each class of failures. */
export type ByFailureClass = Readonly<Partial<Record<keyof typeof CLASSES, number>>>;

/** What a configuration says about retries, fallbacks, cooldowns and health checks: options of `fallbacks`. */
export interface ResilienceSettings extends FallbackChains {
  readonly maxFallbacks?: number;
  readonly retries?: number;
  readonly retryAfterMs?: number;
  readonly retryPolicy?: ByFailureClass;
  readonly modelRetryPolicies?: Readonly<Record<string, ByFailureClass>>;
  readonly retryBudget?: { readonly ratio?: number; readonly minPerSecond?: number };
  readonly cooldown?: {
    readonly disabled?: boolean;
    readonly ms?: number;
    readonly allowedFails?: number;
    readonly allowedFailsPolicy?: ByFailureClass;
  };
  readonly probes?: { readonly intervalMs?: number; readonly concurrency?: number };
  readonly continueStreams?: boolean;
  readonly hedge?: {
    readonly percentile?: number;
    readonly minMs?: number;
    readonly maxMs?: number;
    readonly maxShare?: number;
    readonly models?: readonly string[];
  };
}

export function collectResilience(values: ConfigValues, names: PublicNames, source: Source): ResilienceSettings {
  const { router_settings: router = {}, litellm_settings: calls = {} } = values;
  const policy = router.retry_policy;
  const retries = oneOfSeveral(
    source,
    [["router_settings", "num_retries"], router.num_retries],
    [["router_settings", "retry_policy", "num_retries"], policy?.num_retries],
    [["litellm_settings", "num_retries"], calls.num_retries],
  );
  const retryAfter = oneOfSeveral(
    source,
    [["router_settings", "retry_after"], router.retry_after],
    [["router_settings", "retry_policy", "retry_after"], policy?.retry_after],
  );
  const retryPolicy = policy === undefined ? undefined : byClass("Retries", policy);
  const modelRetryPolicies = modelPolicies(values, names);
  const cooldown = cooldownOf(values, source);
  const probes = probesOf(values, source);
  const hedge = hedgeOf(values, names, source);
  return {
    ...collectSpecialChains(values, names, source),
    ...(router.max_fallbacks !== undefined && { maxFallbacks: router.max_fallbacks }),
    ...(retries !== undefined && { retries }),
    ...(retryAfter !== undefined && { retryAfterMs: Math.round(retryAfter * 1_000) }),
    ...(hasMembers(retryPolicy) && { retryPolicy }),
    ...(hasMembers(modelRetryPolicies) && { modelRetryPolicies }),
    ...(router.retry_budget !== undefined && { retryBudget: retryBudget(router.retry_budget) }),
    ...(hasMembers(cooldown) && { cooldown }),
    ...(probes !== undefined && { probes }),
    ...(router.continue_streams !== undefined && { continueStreams: router.continue_streams }),
    ...(hedge !== undefined && { hedge }),
  };
}

function hasMembers<Value extends object>(value: Value | undefined): value is Value {
  return value !== undefined && Object.keys(value).length > 0;
}

/** `{ RateLimitErrorRetries: 3 }` as `{ rateLimit: 3 }`. */
function byClass(suffix: "Retries" | "AllowedFails", given: RetryPolicyValues | AllowedFailsValues): ByFailureClass {
  const figures = given as Readonly<Record<string, number | undefined>>;
  const rows = Object.entries(CLASSES).flatMap(([name, prefix]) => {
    const figure = figures[`${prefix}${suffix}`];
    return figure === undefined ? [] : [[name, figure] as const];
  });
  return Object.fromEntries(rows);
}

function modelPolicies(
  { router_settings: router }: ConfigValues,
  names: PublicNames,
): Readonly<Record<string, ByFailureClass>> {
  const policies = new Map<string, ByFailureClass>();
  for (const [model, policy] of Object.entries(router?.model_group_retry_policy ?? {})) {
    if (policy === undefined) continue;
    if (names.served(model, ["router_settings", "model_group_retry_policy", model])) {
      policies.set(model, byClass("Retries", policy));
    }
  }
  return Object.fromEntries(policies);
}

function retryBudget({
  ratio,
  min_per_second: minPerSecond,
}: {
  readonly ratio?: number;
  readonly min_per_second?: number;
}): NonNullable<ResilienceSettings["retryBudget"]> {
  return { ...(ratio !== undefined && { ratio }), ...(minPerSecond !== undefined && { minPerSecond }) };
}

function cooldownOf(
  { router_settings: router = {} }: ConfigValues,
  source: Source,
): NonNullable<ResilienceSettings["cooldown"]> {
  const { disable_cooldowns: disabled, cooldown_time: time, allowed_fails: allowedFails } = router;
  const policy = router.allowed_fails_policy;
  if (disabled === true) {
    for (const key of ["cooldown_time", "allowed_fails", "allowed_fails_policy"] as const) {
      if (router[key] === undefined) continue;
      source.problem(["router_settings", key], "has no effect with disable_cooldowns: true", "remove one of the two");
    }
  }
  const allowedFailsPolicy = policy === undefined ? undefined : byClass("AllowedFails", policy);
  return {
    ...(disabled !== undefined && { disabled }),
    ...(time !== undefined && { ms: milliseconds(time) }),
    ...(allowedFails !== undefined && { allowedFails }),
    ...(hasMembers(allowedFailsPolicy) && { allowedFailsPolicy }),
  };
}

function probesOf({ general_settings: general = {} }: ConfigValues, source: Source): ResilienceSettings["probes"] {
  const { background_health_checks: on, health_check_interval: interval, health_check_concurrency: most } = general;
  for (const key of ["health_check_interval", "health_check_concurrency"] as const) {
    needsSwitch(source, "general_settings", key, "background_health_checks", "add background_health_checks: true");
  }
  if (on !== true) return undefined;
  return {
    ...(interval !== undefined && { intervalMs: milliseconds(interval) }),
    ...(most !== undefined && { concurrency: most }),
  };
}

function hedgeOf(
  { router_settings: router }: ConfigValues,
  names: PublicNames,
  source: Source,
): ResilienceSettings["hedge"] {
  const hedging = router?.hedging ?? false;
  if (hedging === false) return undefined;
  if (hedging === true) return {};
  const { percentile, min_delay: least, max_delay: most, max_share: maxShare, models } = hedging;
  const path = ["router_settings", "hedging"];
  if (least !== undefined && most !== undefined && least > most) {
    source.problem([...path, "min_delay"], `is longer than the max_delay of ${most}`);
  }
  const served = models?.filter((model, index) => names.listed(model, [...path, "models", index]));
  return {
    ...(percentile !== undefined && { percentile }),
    ...(least !== undefined && { minMs: milliseconds(least) }),
    ...(most !== undefined && { maxMs: milliseconds(most) }),
    ...(maxShare !== undefined && { maxShare }),
    ...(served !== undefined && { models: served }),
  };
}
