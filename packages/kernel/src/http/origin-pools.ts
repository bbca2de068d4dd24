import type { buildConnector, Dispatcher } from "undici";
import { Pool, wholeUndici } from "./undici-parts.ts";

export interface PoolOptions {
  /** Connections per origin. */
  readonly connections: number;
  readonly keepAliveMs: number;
  readonly connect: buildConnector.BuildOptions | buildConnector.connector;
}

/** One origin's connections. */
export interface OriginPool {
  readonly dispatcher: Dispatcher;
  /** Host and port, for messages. */
  readonly host: string;
  /** A request has used it since the last sweep. */
  used: boolean;
}

/**
 * One pool per origin. A pool that nobody has used for one to two keep-alive times is closed: origins can come from
 * clients, and must not add up.
 */
export class OriginPools {
  readonly #create: (origin: string) => Dispatcher;
  readonly #sweepMs: number;
  readonly #pools: Map<string, OriginPool> = new Map();
  #timer: NodeJS.Timeout | undefined;

  constructor(sweepMs: number, create: (origin: string) => Dispatcher) {
    this.#sweepMs = sweepMs;
    this.#create = create;
  }

  /** Number of origins with a pool. */
  get size(): number {
    return this.#pools.size;
  }

  get(origin: string): OriginPool {
    const known = this.#pools.get(origin);
    if (known !== undefined) {
      known.used = true;
      return known;
    }
    const pool: OriginPool = { dispatcher: this.#create(origin), host: new URL(origin).host, used: true };
    this.#pools.set(origin, pool);
    this.#timer ??= setInterval(sweep, this.#sweepMs, this).unref();
    return pool;
  }

  sweep(): void {
    for (const [origin, pool] of this.#pools) {
      if (pool.used || !isIdle(pool.dispatcher)) {
        pool.used = false;
        continue;
      }
      this.#pools.delete(origin);
      void pool.dispatcher.close();
    }
    if (this.#pools.size === 0) this.#stop();
  }

  /** Waits for running exchanges, then closes every connection. */
  async close(): Promise<void> {
    this.#stop();
    const pools = [...this.#pools.values()];
    this.#pools.clear();
    await Promise.all(pools.map((pool) => pool.dispatcher.close()));
  }

  #stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

function sweep(pools: OriginPools): void {
  pools.sweep();
}

function isIdle(dispatcher: Dispatcher): boolean {
  return dispatcher instanceof Pool && dispatcher.stats.size === 0;
}

/** HTTP/1.1 only: one exchange per connection, so that closing one frees its socket and pausing one stops its sender. */
export function originPool(origin: string, options: PoolOptions): InstanceType<typeof Pool> {
  return new Pool(origin, {
    connections: options.connections,
    pipelining: 1,
    keepAliveTimeout: options.keepAliveMs,
    allowH2: false,
    connect: options.connect,
  });
}

/** Connections through a proxy. `proxy` is its URL, or "environment" for HTTP_PROXY, HTTPS_PROXY and NO_PROXY. */
export function proxyDispatcher(
  proxy: string,
  options: PoolOptions & { readonly connect: buildConnector.BuildOptions },
): Dispatcher {
  const { timeout, ...tls } = options.connect;
  const shared = {
    connections: options.connections,
    pipelining: 1,
    keepAliveTimeout: options.keepAliveMs,
    allowH2: false,
    connect: options.connect,
    requestTls: tls,
    ...(typeof timeout === "number" ? { connectTimeout: timeout } : {}),
  };
  const { EnvHttpProxyAgent, ProxyAgent } = wholeUndici();
  return proxy === "environment" ? new EnvHttpProxyAgent(shared) : new ProxyAgent({ ...shared, uri: proxy });
}
