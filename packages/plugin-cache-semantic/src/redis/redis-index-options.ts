import type { RedisConnectionOptions } from "@signalbox/plugin-redis/connection";

/** Where the questions are, and how many. */
export interface RedisIndexOptions extends RedisConnectionOptions {
  /** Begins every key. Gateways with the same namespace share their answers. Default `signalbox`. */
  readonly namespace?: string;
  /**
   * Questions of one bucket, 1 to 10,000; the oldest go first. All of them are read for each question: of 1,536 dimensions
   * 200 are 300 kB. Default 200.
   */
  readonly perBucket?: number;
  /** Redis is not there at start: the start fails (default), or goes on without a cache until it comes. */
  readonly onUnreachable?: "fail" | "skip";
}
