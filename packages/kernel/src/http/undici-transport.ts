import type { buildConnector, Dispatcher } from "undici";
import type { HeaderList, Transport, TransportRequest, TransportResponse, TransportStream } from "../transport.ts";
import { ArrivingReply } from "./arriving-reply.ts";
import type { OriginPool } from "./origin-pools.ts";
import { OriginPools, originPool, proxyDispatcher } from "./origin-pools.ts";
import { transportClosed } from "./transport-failure.ts";
import type { UrlGuard } from "./url-guard.ts";
import { urlGuard } from "./url-guard.ts";
import type { ExchangeDefaults } from "./whole-reply.ts";
import { WholeReply } from "./whole-reply.ts";

/** Options of `createTransport`: connections and time limits, in milliseconds. */
export interface TransportOptions {
  /**
   * Connections per origin; more requests wait. Default 4,096: every running stream holds one, and some hundred callers
   * that wait for slow answers must not keep out all others.
   */
  readonly connections?: number;
  /** How long an idle connection is kept. Default 60,000. */
  readonly keepAliveMs?: number;
  /** Default 5,000. */
  readonly connectTimeoutMs?: number;
  /** For requests that set none. Default 600,000: some models think for minutes before they answer. */
  readonly headersTimeoutMs?: number;
  /** For requests that set none. Default 300,000. */
  readonly idleTimeoutMs?: number;
  /** For requests that set none. Default 100 MB. */
  readonly maxBytes?: number;
  /** How much of a stream is held for a slow reader before the upstream is paused. Default 256 KB. */
  readonly bufferBytes?: number;
  /** URL of a proxy for all requests but the untrusted. `http`, `https` or `socks5`, with credentials if need be. */
  readonly proxy?: string;
  /** Follow HTTP_PROXY, HTTPS_PROXY and NO_PROXY. */
  readonly proxyFromEnvironment?: boolean;
  readonly tls?: {
    /** Certificates that are trusted instead of the built-in ones. */
    readonly ca?: string | Buffer | readonly (string | Buffer)[];
    /** Client certificate and key. */
    readonly cert?: string | Buffer;
    readonly key?: string | Buffer;
    readonly rejectUnauthorized?: boolean;
  };
  /** What untrusted requests may reach. Default: public addresses, by https on port 443. They never use the proxy. */
  readonly guard?: UrlGuard;
  /** Only IPv4, where IPv6 is announced but does not work. */
  readonly ipv4Only?: boolean;
}

/**
 * The transport over undici. It uses `dispatch` with handlers of its own: a request costs two objects and one promise,
 * no web streams, no `Request` or `Response`.
 */
export function createTransport(options: TransportOptions = {}): Transport {
  return new UndiciTransport(options);
}

const IDENTITY = ["accept-encoding", "identity"];

class UndiciTransport implements Transport {
  readonly #defaults: ExchangeDefaults;
  readonly #pools: OriginPools;
  readonly #guardedPools: OriginPools;
  #closed = false;

  constructor(options: TransportOptions) {
    this.#defaults = {
      headersTimeoutMs: options.headersTimeoutMs ?? 600_000,
      idleTimeoutMs: options.idleTimeoutMs ?? 300_000,
      maxBytes: options.maxBytes ?? 100 * 1024 * 1024,
      bufferBytes: options.bufferBytes ?? 256 * 1024,
    };
    const keepAliveMs = options.keepAliveMs ?? 60_000;
    const connect = connectOptions(options);
    const pool = { connections: options.connections ?? 4096, keepAliveMs, connect };
    const proxy = options.proxy ?? (options.proxyFromEnvironment === true ? "environment" : undefined);
    this.#pools = new OriginPools(keepAliveMs, (origin) =>
      proxy === undefined ? originPool(origin, pool) : proxyDispatcher(proxy, pool),
    );
    const guard = options.guard ?? urlGuard();
    const guarded = { ...pool, connect: guard.connector(connect) };
    this.#guardedPools = new OriginPools(keepAliveMs, (origin) => originPool(guard.check(origin).origin, guarded));
  }

  send(request: TransportRequest): Promise<TransportResponse> {
    return new Promise((resolve, reject) => {
      const pool = this.#pool(request);
      const reply = new WholeReply(pool.host, request, this.#defaults, resolve, reject);
      if (reply.limits.begin()) dispatch(pool.dispatcher, request, reply);
    });
  }

  open(request: TransportRequest): Promise<TransportStream> {
    return new Promise((resolve, reject) => {
      const pool = this.#pool(request);
      const reply = new ArrivingReply(pool.host, request, this.#defaults, resolve, reject);
      if (reply.limits.begin()) dispatch(pool.dispatcher, request, reply);
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([this.#pools.close(), this.#guardedPools.close()]);
  }

  #pool(request: TransportRequest): OriginPool {
    if (this.#closed) throw transportClosed();
    return (request.untrusted === true ? this.#guardedPools : this.#pools).get(request.origin);
  }
}

function dispatch(dispatcher: Dispatcher, request: TransportRequest, reply: WholeReply | ArrivingReply): void {
  const { limits } = reply;
  dispatcher.dispatch(
    {
      origin: request.origin,
      path: request.path,
      method: request.method,
      headers: requestHeaders(request.headers),
      // undici takes async iterables; its types do not say so
      body: (request.body ?? null) as Buffer | string | null,
      headersTimeout: limits.headersTimeout,
      bodyTimeout: limits.bodyTimeout,
    },
    reply,
  );
}

/** Nothing is compressed unless the caller asks for it: decoding costs time, and is a way to attack. */
function requestHeaders(headers: HeaderList): string[] {
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index] as string;
    if (name.length === 15 && name.toLowerCase() === "accept-encoding") return headers as string[];
  }
  return headers.concat(IDENTITY);
}

function connectOptions(options: TransportOptions): buildConnector.BuildOptions {
  return {
    timeout: options.connectTimeoutMs ?? 5_000,
    ...(options.tls as buildConnector.BuildOptions | undefined),
    ...(options.ipv4Only === true ? { family: 4, autoSelectFamily: false } : {}),
  };
}
