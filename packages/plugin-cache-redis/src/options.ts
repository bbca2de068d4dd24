import type { RedisConnectionOptions } from "@signalbox/plugin-redis/connection";

/** Where the cache is, and what is kept there. */
export interface RedisCacheOptions extends RedisConnectionOptions {
  /** Begins every key. Gateways with the same namespace share their answers. Default `signalbox`. */
  readonly namespace?: string;
  /** A larger answer is not kept; measured as it is stored. Default 1 MiB. */
  readonly maxEntryBytes?: number;
  /** Smaller answers are stored as they are, others compressed. Default 2,048. */
  readonly compressFromBytes?: number;
  /**
   * Redis is not there at start: the start fails (default), waits until it is, or goes on without a cache until it comes,
   * as readiness then says.
   */
  readonly onUnreachable?: "fail" | "wait" | "skip";
}
