import type { ConfigValues } from "./config-values.ts";
import type { ContentRouterSettings } from "./content-routers.ts";
import { collectContentRouters } from "./content-routers.ts";
import type { MirrorSettings } from "./mirrors.ts";
import { collectMirrors } from "./mirrors.ts";
import { needsSwitch } from "./one-of-several.ts";
import type { PublicNames } from "./public-names.ts";
import type { StrategyName } from "./routing-values.ts";
import type { KeyPath, Source } from "./source.ts";
import { milliseconds } from "./timeouts.ts";
import type { SplitSettings } from "./traffic-splits.ts";
import { collectSplits } from "./traffic-splits.ts";

/** What a configuration says about the choice of deployments: options of `routing`. */
export interface RoutingSettings {
  readonly strategy?: StrategyName;
  readonly models?: Readonly<Record<string, StrategyName>>;
  readonly latency?: { readonly lowestLatencyBuffer?: number; readonly ttlMs?: number };
  readonly tags?: { readonly enabled?: boolean; readonly matchAny?: boolean };
  readonly preCallChecks?: boolean;
  readonly sessionAffinity?: boolean | { readonly ttlMs?: number };
  readonly promptCacheAffinity?: boolean | { readonly ttlMs?: number; readonly minTokens?: number };
  readonly queue?: { readonly maxWaiting?: number; readonly maxWaitMs?: number };
  readonly contentRouters?: Readonly<Record<string, ContentRouterSettings>>;
  readonly splits?: Readonly<Record<string, SplitSettings>>;
  readonly mirrors?: Readonly<Record<string, MirrorSettings>>;
}

const ROUTER = "router_settings";

export function collectRouting(values: ConfigValues, names: PublicNames, source: Source): RoutingSettings {
  const router = values.router_settings ?? {};
  const models = modelStrategies(values, names, source);
  const latency = latencyOf(values, models, source);
  const queue = router.queue === true ? {} : router.queue || undefined;
  const contentRouters = collectContentRouters(values, names, source);
  const splits = collectSplits(values, names, source);
  const mirrors = collectMirrors(values, names, source);
  const { enable_tag_filtering: enabled, tag_filtering_match_any: matchAny } = router;
  needsSwitch(source, ROUTER, "tag_filtering_match_any", "enable_tag_filtering", "add enable_tag_filtering: true");
  return {
    ...(router.routing_strategy !== undefined && { strategy: router.routing_strategy }),
    ...(Object.keys(models).length > 0 && { models }),
    ...(latency !== undefined && { latency }),
    ...(enabled !== undefined && { tags: { enabled, ...(matchAny !== undefined && { matchAny }) } }),
    ...(router.enable_pre_call_checks !== undefined && { preCallChecks: router.enable_pre_call_checks }),
    ...affinitiesOf(values, source),
    ...(queue !== undefined && {
      queue: {
        ...(queue.max_waiting !== undefined && { maxWaiting: queue.max_waiting }),
        ...(queue.max_wait !== undefined && { maxWaitMs: milliseconds(queue.max_wait) }),
      },
    }),
    ...(Object.keys(contentRouters).length > 0 && { contentRouters }),
    ...(Object.keys(splits).length > 0 && { splits }),
    ...(Object.keys(mirrors).length > 0 && { mirrors }),
  };
}

/** Strategies of single models: one by one, and by groups. */
function modelStrategies(
  { router_settings: router = {} }: ConfigValues,
  names: PublicNames,
  source: Source,
): Readonly<Record<string, StrategyName>> {
  const strategies = new Map<string, StrategyName>();
  const owners = new Map<string, string>();
  const set = (model: string, strategy: StrategyName, owner: string, path: KeyPath): void => {
    const before = owners.get(model);
    if (before !== undefined) source.problem(path, `has its strategy from ${before} already`, "keep one of the two");
    else if (names.listed(model, path)) strategies.set(model, strategy);
    owners.set(model, before ?? owner);
  };
  for (const [model, strategy] of Object.entries(router.model_strategies ?? {})) {
    if (strategy !== undefined) set(model, strategy, "model_strategies", [ROUTER, "model_strategies", model]);
  }
  const groups = new Set<string>();
  for (const [index, group] of (router.routing_groups ?? []).entries()) {
    const path = [ROUTER, "routing_groups", index];
    const { group_name: name, models, routing_strategy: strategy } = group ?? {};
    const missing = source.faulty(path) ? [] : ["group_name", "models", "routing_strategy"];
    for (const key of missing) source.missing(path, key);
    if (name === undefined || models === undefined || strategy === undefined) continue;
    if (groups.has(name)) source.problem([...path, "group_name"], "is the name of two groups");
    groups.add(name);
    for (const [at, model] of models.entries()) {
      set(model, strategy, `the group ${JSON.stringify(name)}`, [...path, "models", at]);
    }
  }
  return Object.fromEntries(strategies);
}

function latencyOf(
  { router_settings: router = {} }: ConfigValues,
  models: Readonly<Record<string, StrategyName>>,
  source: Source,
): RoutingSettings["latency"] {
  const { ttl, lowest_latency_buffer: buffer } = router.routing_strategy_args ?? {};
  if (ttl === undefined && buffer === undefined) return undefined;
  const used = [router.routing_strategy, ...Object.values(models)].includes("latency-based-routing");
  const sayers = ["routing_strategy", "model_strategies", "routing_groups"];
  if (!used && !sayers.some((key) => source.unsure([ROUTER], key))) {
    for (const [key, value] of Object.entries({ ttl, lowest_latency_buffer: buffer })) {
      if (value === undefined) continue;
      const message = "has an effect on latency-based-routing only, and no model uses that";
      source.problem([ROUTER, "routing_strategy_args", key], message);
    }
  }
  return {
    ...(ttl !== undefined && { ttlMs: milliseconds(ttl) }),
    ...(buffer !== undefined && { lowestLatencyBuffer: buffer }),
  };
}

type Affinities = Pick<RoutingSettings, "sessionAffinity" | "promptCacheAffinity">;

/** From our own keys, and from LiteLLM's list of checks. */
function affinitiesOf({ router_settings: router = {} }: ConfigValues, source: Source): Affinities {
  const checks = router.optional_pre_call_checks ?? [];
  const listed = (name: string): KeyPath => [ROUTER, "optional_pre_call_checks", checks.indexOf(name)];
  const { session_affinity: session, prompt_cache_affinity: prompt } = router;
  const sticky = checks.find((name) => name === "session_affinity" || name === "deployment_affinity");
  const cached = checks.find((name) => name === "prompt_caching");
  if (sticky !== undefined && session !== undefined) {
    source.problem(listed(sticky), "is decided by session_affinity already", "keep one of the two");
  }
  if (cached !== undefined && prompt !== undefined) {
    source.problem(listed(cached), "is decided by prompt_cache_affinity already", "keep one of the two");
  }
  const ttl = router.deployment_affinity_ttl_seconds;
  const path = [ROUTER, "deployment_affinity_ttl_seconds"];
  if (ttl !== undefined && sticky === undefined && !source.unsure([ROUTER], "optional_pre_call_checks")) {
    source.problem(path, "has no effect alone", 'add "session_affinity" to optional_pre_call_checks');
  }
  const lifetime = ttl ?? (typeof session === "object" ? session.ttl : undefined);
  const sessionAffinity = sticky !== undefined || typeof session === "object" ? true : session;
  const promptCacheAffinity =
    typeof prompt === "object"
      ? {
          ...(prompt.ttl !== undefined && { ttlMs: milliseconds(prompt.ttl) }),
          ...(prompt.min_tokens !== undefined && { minTokens: prompt.min_tokens }),
        }
      : cached !== undefined || prompt;
  return {
    ...(sessionAffinity !== undefined && {
      sessionAffinity: lifetime === undefined ? sessionAffinity : { ttlMs: milliseconds(lifetime) },
    }),
    ...(promptCacheAffinity !== undefined && { promptCacheAffinity }),
  };
}
