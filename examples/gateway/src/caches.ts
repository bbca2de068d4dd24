import type { CachePolicy, Plugin } from "@signalbox/kernel";
import type { CacheRedisSettings, CacheSettings, LoadedConfig } from "@signalbox/plugin-config";
import type { StartOptions } from "./start.ts";

/** Answers that are kept, and where. */
export interface Caches {
  readonly plugins: readonly Plugin[];
  readonly policy?: CachePolicy;
  /** `answers cached in Redis at cache:6379 for 300 s`; undefined: nothing is cached. */
  readonly name?: string;
  /** Servers that plugins cannot start without, and where their addresses stand, by the plugins' names. */
  readonly places: Readonly<Record<string, string>>;
}

const DEFAULT_TTL_MS = 3_600_000;
const PORT = 6_379;

/** The caches of `litellm_settings.cache_params`. */
export async function cachesOf(config: LoadedConfig | undefined, options: StartOptions): Promise<Caches> {
  const settings = config?.cache;
  if (settings === undefined) return { plugins: [], places: {} };
  const { policy, redis, semantic } = settings;
  const where = redis === undefined ? "memory" : redisName(redis);
  const plugins = [redis === undefined ? await memory() : await inRedis(redis, options)];
  if (redis !== undefined && semantic !== undefined) plugins.push(await byMeaning(redis, semantic));
  const place = `${where} (litellm_settings.cache_params)`;
  const what = policy.operations === undefined ? "answers" : `answers (${policy.operations.join(", ")})`;
  const seconds = (policy.ttlMs ?? DEFAULT_TTL_MS) / 1_000;
  const alike = semantic === undefined ? "" : `, and alike questions (${semantic.threshold}) too`;
  const wanted = policy.mode === "off" ? ", where a request says use-cache" : "";
  return {
    plugins,
    policy,
    name: `${what} cached in ${where} for ${seconds} s${alike}${wanted}`,
    places: redis === undefined ? {} : { "cache-redis": place, "cache-semantic": place },
  };
}

async function memory(): Promise<Plugin> {
  const { memoryCache } = await import("@signalbox/plugin-cache-memory");
  return memoryCache();
}

async function inRedis(redis: CacheRedisSettings, { waitForStores }: StartOptions): Promise<Plugin> {
  const { redisCache } = await import("@signalbox/plugin-cache-redis");
  return redisCache({ ...redis, ...(waitForStores === true && { onUnreachable: "wait" as const }) });
}

/** In the same Redis. Whoever waits for it has waited once the exact cache has started. */
async function byMeaning(
  { onUnreachable, ...redis }: CacheRedisSettings,
  semantic: NonNullable<CacheSettings["semantic"]>,
): Promise<Plugin> {
  const { semanticCache } = await import("@signalbox/plugin-cache-semantic");
  const { RedisIndex } = await import("@signalbox/plugin-cache-semantic/redis");
  const index = new RedisIndex({ ...redis, ...(onUnreachable === "skip" && { onUnreachable }) });
  return semanticCache({ ...semantic, index });
}

/** `Redis at cache:6379`. Never a credential. */
function redisName({ url, host, port, cluster, sentinel }: CacheRedisSettings): string {
  if (cluster !== undefined) return `the Redis cluster of ${addresses(cluster)}`;
  if (sentinel !== undefined) return `Redis ${sentinel.name} of the sentinels ${addresses(sentinel.nodes)}`;
  const parsed = url === undefined ? undefined : URL.parse(url.reveal());
  return `Redis at ${parsed?.hostname ?? host}:${(parsed?.port || port) ?? PORT}`;
}

function addresses(nodes: readonly { readonly host: string; readonly port: number }[]): string {
  return nodes.map(({ host, port }) => `${host}:${port}`).join(", ");
}
