import type { ConnectionOptions } from "node:tls";
import type { Secret } from "@signalbox/kernel";

/** One Redis server. */
export interface RedisNode {
  readonly host: string;
  /** Default 6379; of a sentinel 26379. */
  readonly port?: number;
}

/** Where Redis is, and how long it may take. */
export interface RedisOptions {
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
  /** Begins every key. Gateways with the same namespace share everything. Default `signalbox`. */
  readonly namespace?: string;
  /** Most that a command on the path of a call may take. Default 50. */
  readonly timeoutMs?: number;
  /** Most that connecting may take. Default 5,000. */
  readonly connectTimeoutMs?: number;
  /** Redis is not there at start: the start fails (default), or waits until it is. */
  readonly onUnreachable?: "fail" | "wait";
  /** How long a settled amount is remembered, so that a repetition posts nothing twice. Default 7 days. */
  readonly settledForMs?: number;
  /** When Redis has lost its data: how long every process has to tell what it knows. Default 5,000. */
  readonly rebuildAfterMs?: number;
}
