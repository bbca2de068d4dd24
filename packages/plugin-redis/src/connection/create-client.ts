import type { RedisOptions as AllClientOptions } from "ioredis";
import { Cluster, Redis } from "ioredis";
import type { Secret } from "@signalbox/kernel";
import type { RedisConnectionOptions } from "./connection-options.ts";

/** A connection, or one to each node of a cluster. */
export type Client = Redis | Cluster;

/** Most that connecting takes unless an option says otherwise. */
export const CONNECT_TIMEOUT_MS = 5_000;

// Its type does not fit into the options of a cluster.
type ClientOptions = Omit<AllClientOptions, "replyMapping">;

const PORT = 6379;
const SENTINEL_PORT = 26_379;
const FIRST_RETRY_MS = 100;
const LONGEST_RETRY_MS = 2_000;

/**
 * A client that is not yet connected. It never keeps commands for later: what cannot be sent at once fails, and nothing
 * is sent twice.
 */
export function createClient(options: RedisConnectionOptions): Client {
  const retryStrategy = (times: number): number => jittered(times);
  const common: ClientOptions = {
    connectTimeout: options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS,
    connectionName: "signalbox",
    lazyConnect: true,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    autoResubscribe: false,
    maxRetriesPerRequest: 0,
    retryStrategy,
    // A failover leaves the old primary as a replica: another connection finds the new one.
    reconnectOnError: (error) => error.message.startsWith("READONLY"),
    ...credentials(options),
    ...secure(options),
  };
  if (options.cluster !== undefined) {
    const nodes = options.cluster.map(({ host, port }) => ({ host, port: port ?? PORT }));
    return new Cluster(nodes, {
      lazyConnect: true,
      enableOfflineQueue: false,
      clusterRetryStrategy: retryStrategy,
      redisOptions: common,
      slotsRefreshTimeout: options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS,
    });
  }
  if (options.sentinel !== undefined) {
    const { name, nodes, username, password } = options.sentinel;
    return new Redis({
      ...common,
      name,
      sentinels: nodes.map(({ host, port }) => ({ host, port: port ?? SENTINEL_PORT })),
      sentinelRetryStrategy: retryStrategy,
      ...(username === undefined ? {} : { sentinelUsername: username }),
      ...(password === undefined ? {} : { sentinelPassword: plain(password) }),
    });
  }
  return new Redis({ ...common, ...place(options) });
}

/** Between half of and the whole time, so that processes do not come back all at once. */
function jittered(times: number): number {
  const longest = Math.min(FIRST_RETRY_MS * 2 ** Math.min(times - 1, 10), LONGEST_RETRY_MS);
  return Math.round(longest * (0.5 + Math.random() / 2));
}

function place(options: RedisConnectionOptions): ClientOptions {
  if (options.url === undefined) return { host: options.host ?? "127.0.0.1", port: options.port ?? PORT };
  const url = new URL(plain(options.url));
  const db = Number(url.pathname.slice(1) || "0");
  return {
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port: Number(url.port || PORT),
    db,
    ...(url.username === "" ? {} : { username: decodeURIComponent(url.username) }),
    ...(url.password === "" ? {} : { password: decodeURIComponent(url.password) }),
    ...(url.protocol === "rediss:" && options.tls === undefined ? { tls: {} } : {}),
  };
}

function credentials({ username, password, db }: RedisConnectionOptions): ClientOptions {
  return {
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password: plain(password) }),
    ...(db === undefined ? {} : { db }),
  };
}

function secure({ tls }: RedisConnectionOptions): ClientOptions {
  if (tls === undefined || tls === false) return {};
  return { tls: tls === true ? {} : tls };
}

function plain(secret: string | Secret): string {
  return typeof secret === "string" ? secret : secret.reveal();
}
