import type { Secret } from "@signalbox/kernel";

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
