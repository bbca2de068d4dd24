import type { CachePolicy } from "@signalbox/kernel";
import type { CacheRedisSettings } from "./cache-redis.ts";
import { cacheRedis } from "./cache-redis.ts";
import type { CacheKind, CacheValues } from "./cache-values.ts";
import type { ConfigValues } from "./config-values.ts";
import type { Variables } from "./environment.ts";
import { oneOfSeveral } from "./one-of-several.ts";
import type { PublicNames } from "./public-names.ts";
import type { Source } from "./source.ts";
import { milliseconds } from "./timeouts.ts";

/** What a configuration says about caching. */
export interface CacheSettings {
  readonly kind: CacheKind;
  /** The gateway's option `caching`. */
  readonly policy: CachePolicy;
  /** Options of `redisCache`, where answers are kept in Redis. */
  readonly redis?: CacheRedisSettings;
  /** Options of `semanticCache`, where questions are compared by meaning. */
  readonly semantic?: { readonly embeddingModel: string; readonly threshold: number };
}

export interface CacheContext {
  readonly names: PublicNames;
  readonly variables: Variables;
  readonly source: Source;
}

const PARAMS = ["litellm_settings", "cache_params"] as const;

const EVERYWHERE: readonly (keyof CacheValues)[] = [
  "type",
  "mode",
  "ttl",
  "stale_ttl",
  "scope",
  "supported_call_types",
];
const SEMANTIC: readonly (keyof CacheValues)[] = ["similarity_threshold", "redis_semantic_cache_embedding_model"];

/** Undefined: nothing is cached. */
export function collectCache(
  { litellm_settings: calls = {} }: ConfigValues,
  { names, variables, source }: CacheContext,
): CacheSettings | undefined {
  const { cache, cache_params: params = {} } = calls;
  if (cache !== true) {
    if (source.has(PARAMS) && !source.faulty(PARAMS) && source.lacks(["litellm_settings"], "cache")) {
      source.problem(PARAMS, "has no effect alone", "add cache: true");
    }
    return undefined;
  }
  // a type that is wrong has been reported
  if (params.type === undefined && source.unsure(PARAMS, "type")) return undefined;
  const { type: kind = "local" } = params;
  checkFit(kind, params, source);
  const semantic = kind === "redis-semantic" ? semanticOf(params, names, source) : undefined;
  return {
    kind,
    policy: policyOf(params, source),
    ...(kind !== "local" && { redis: cacheRedis(params, variables, source) }),
    ...(semantic !== undefined && { semantic }),
  };
}

/** A key that another type of cache would read has no effect. */
function checkFit(kind: CacheKind, params: CacheValues, source: Source): void {
  for (const key of Object.keys(params) as (keyof CacheValues)[]) {
    if (EVERYWHERE.includes(key)) continue;
    const type = key === "default_in_memory_ttl" ? "local" : SEMANTIC.includes(key) ? "redis-semantic" : "redis";
    const fits = type === "redis" ? kind !== "local" : kind === type;
    if (!fits) source.problem([...PARAMS, key], `has no effect with the type ${kind}`, `it belongs to ${type}`);
  }
}

function policyOf(params: CacheValues, source: Source): CachePolicy {
  const { mode, stale_ttl: stale, scope, supported_call_types: operations } = params;
  const ttl = oneOfSeveral(
    source,
    [[...PARAMS, "ttl"], params.ttl],
    [[...PARAMS, "default_in_memory_ttl"], params.default_in_memory_ttl],
    [[...PARAMS, "default_in_redis_ttl"], params.default_in_redis_ttl],
  );
  return {
    ...(mode !== undefined && { mode: mode === "default_off" ? ("off" as const) : ("on" as const) }),
    ...(ttl !== undefined && { ttlMs: milliseconds(ttl) }),
    ...(stale !== undefined && { staleMs: milliseconds(stale) }),
    ...(scope !== undefined && { scope }),
    ...(operations !== undefined && { operations }),
  };
}

function semanticOf(params: CacheValues, names: PublicNames, source: Source): CacheSettings["semantic"] {
  source.missing(PARAMS, "similarity_threshold");
  source.missing(PARAMS, "redis_semantic_cache_embedding_model");
  const { similarity_threshold: threshold, redis_semantic_cache_embedding_model: embeddingModel } = params;
  if (threshold === undefined || embeddingModel === undefined) return undefined;
  const path = [...PARAMS, "redis_semantic_cache_embedding_model"];
  return names.needed(embeddingModel, path) ? { embeddingModel, threshold } : undefined;
}
