import type { ConnectionOptions } from "node:tls";
import type { Secret } from "@signalbox/kernel";

/** One Redis server. */
export interface RedisNode {
  readonly host: string;
  /** Default 6379; of a sentinel 26379. */
  readonly port?: number;
}

/** Where Redis is, and how long it may take to answer. */
export interface RedisConnectionOptions {
  /** `redis://[user:password@]host[:port][/db]`; `rediss:` for TLS. In place of host, port, username, password and db. */
  readonly url?: string | Secret;
  /** Default `127.0.0.1`. */
  readonly host?: string;
  /** Default 6379. */
  readonly port?: number;
  readonly username?: string;
  readonly password?: string | Secret;
  readonly db?: number;
  /** Nodes of a Redis Cluster that tell of the others. In place of host and port. */
  readonly cluster?: readonly RedisNode[];
  /** Sentinels that know the primary. In place of host and port. */
  readonly sentinel?: {
    /** Of the primary, as the sentinels know it. */
    readonly name: string;
    readonly nodes: readonly RedisNode[];
    readonly username?: string;
    readonly password?: string | Secret;
  };
  /** `true`, or settings of Node's `tls.connect`. `false`: plain TCP. */
  readonly tls?: boolean | ConnectionOptions;
  /** Most that a command on the path of a call may take. Default 50. */
  readonly timeoutMs?: number;
  /** Most that connecting may take. Default 5,000. */
  readonly connectTimeoutMs?: number;
}
