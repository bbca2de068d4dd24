import { Secret } from "@signalbox/kernel";
import type { ConfigValues } from "./config-values.ts";
import { needsSwitch } from "./one-of-several.ts";
import type { Source } from "./source.ts";
import { milliseconds } from "./timeouts.ts";

/** Where a configuration says that spend, keys and counters are kept: for the plugins of ledgers and of Redis. */
export interface StoreSettings {
  /** Of PostgreSQL, or of a SQLite file. */
  readonly databaseUrl?: Secret;
  /** Most connections. */
  readonly databasePool?: number;
  readonly databaseTimeoutMs?: number;
  readonly redis?: RedisSettings;
  /** Days that entries are kept. */
  readonly retentionDays?: number;
}

/** One server, by its URL or in parts: options of `redis`. */
export interface RedisSettings {
  readonly url?: Secret;
  readonly host?: string;
  readonly port?: number;
  readonly username?: string;
  readonly password?: Secret;
  readonly db?: number;
}

const PARTS = ["redis_host", "redis_port", "redis_username", "redis_password", "redis_db"] as const;

export function collectStores(values: ConfigValues, source: Source): StoreSettings {
  const { general_settings: general = {} } = values;
  const { database_url: url, database_connection_pool_limit: pool, database_connection_timeout: timeout } = general;
  const retentionDays = general.maximum_spend_logs_retention_period;
  const redis = redisOf(values, source);
  return {
    ...(url !== undefined && { databaseUrl: new Secret(url) }),
    ...(pool !== undefined && { databasePool: pool }),
    ...(timeout !== undefined && { databaseTimeoutMs: milliseconds(timeout) }),
    ...(redis !== undefined && { redis }),
    ...(retentionDays !== undefined && { retentionDays }),
  };
}

function redisOf({ router_settings: router = {} }: ConfigValues, source: Source): RedisSettings | undefined {
  const { redis_url: url, redis_host: host, redis_port: port, redis_username: username } = router;
  const { redis_password: password, redis_db: db } = router;
  if (url !== undefined) {
    for (const key of PARTS) {
      if (router[key] === undefined) continue;
      source.problem(["router_settings", key], "belongs into redis_url", "keep one of the two");
    }
    return { url: new Secret(url) };
  }
  for (const key of PARTS) {
    if (key !== "redis_host") needsSwitch(source, "router_settings", key, "redis_host", "add redis_host");
  }
  if (host === undefined) return undefined;
  return {
    host,
    ...(port !== undefined && { port }),
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password: new Secret(password) }),
    ...(db !== undefined && { db }),
  };
}
