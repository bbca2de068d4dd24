import type { Call } from "../call.ts";
import type { ChatRequest } from "../chat/request.ts";
import { cacheControls } from "./cache-controls.ts";
import type { CacheAddress } from "./cache-key.ts";
import type { CacheSettings } from "./cache-policy.ts";

/** What the cache does for one call. */
export interface CachePlan {
  readonly read: boolean;
  readonly write: boolean;
  /** Why neither. */
  readonly reason?: string;
  readonly ttlMs: number;
  /** Older answers are not served. */
  readonly maxAgeMs: number;
  readonly address: CacheAddress;
}

/** Members with which a request goes on from something that the provider has kept, or leaves something there. */
const STATEFUL: ReadonlySet<string> = new Set(["previous_response_id", "conversation", "background", "container"]);

/**
 * Decides whether a call is read from the cache and written to it.
 *
 * @throws {GatewayError} what `cacheControls` throws
 */
export function cachePlan(call: Call, settings: CacheSettings): CachePlan {
  const controls = cacheControls(call);
  const { namespace, noCache = false, noStore = false, useCache, ttl, maxAge } = controls;
  const address: CacheAddress = { scope: settings.scope, ...(namespace !== undefined && { namespace }) };
  const ttlMs = Math.min(ttl === undefined ? settings.ttlMs : ttl * 1_000, settings.mostTtlMs);
  const maxAgeMs = maxAge === undefined ? Number.POSITIVE_INFINITY : maxAge * 1_000;
  const reason = obstacle(call, settings, useCache);
  if (reason !== undefined) return { read: false, write: false, reason, ttlMs, maxAgeMs, address };
  const write = !noStore && ttlMs > 0;
  const read = !noCache;
  if (read || write) return { read, write, ttlMs, maxAgeMs, address };
  return { read, write, reason: "the request wants neither to read nor to write", ttlMs, maxAgeMs, address };
}

function obstacle(call: Call, { mode, operations }: CacheSettings, useCache: boolean | undefined): string | undefined {
  if (!operations.has(call.operation)) return `answers of ${call.operation} are not cached`;
  if (useCache === false) return "the request does not want it";
  if (mode === "off" && useCache !== true) return "only for requests that say use-cache";
  return outside(call.request as unknown as ChatRequest);
}

/** What the request does not say, and the answer depends on. */
function outside({ tools, extra }: Pick<ChatRequest, "tools" | "extra">): string | undefined {
  if (tools?.some(({ type }) => type === "server")) return "a tool that the provider runs looks at the world outside";
  for (const fields of Object.values(extra ?? {})) {
    for (const name of Object.keys(fields ?? {})) {
      if (STATEFUL.has(name)) return `${name} refers to something that the provider keeps`;
    }
  }
  return undefined;
}
