import type {
  Cache,
  CacheSelection,
  CacheStats,
  DialectRequest,
  Health,
  HttpReply,
  ResourceRoute,
} from "@signalbox/kernel";
import { didYouMean, GatewayError } from "@signalbox/kernel";
import type { JsonObject } from "@signalbox/kernel/http";
import { isJsonObject, optionalText, optionalTexts } from "@signalbox/kernel/http";

/** What one cache says of itself. */
interface CacheState extends Health {
  readonly name: string;
  readonly stats?: CacheStats;
}

const SELECTION: readonly string[] = ["keys", "namespace", "tag"];

/** What administrators see of the gateway's caches, and how they clear them. None where there is no cache. */
export function cacheRoutes(caches: ReadonlyMap<string, Cache>): readonly ResourceRoute[] {
  if (caches.size === 0) return [];
  const route = (
    method: ResourceRoute["method"],
    path: string,
    summary: string,
    handle: ResourceRoute["handle"],
  ): ResourceRoute => ({ kind: "resource", method, path, access: "admin", description: { summary }, handle });
  return [
    route("GET", "/cache/ping", "Whether each cache answers, and what it holds", () => ping(caches)),
    route("GET", "/cache/stats", "What each cache holds, and how often it had the answer", () => stats(caches)),
    route("POST", "/cache/delete", "Forget answers by keys, namespace or tag", (request) => remove(caches, request)),
    route("POST", "/cache/flushall", "Forget all answers", () => clear(caches, {})),
  ];
}

async function ping(caches: ReadonlyMap<string, Cache>): Promise<HttpReply> {
  const states = await Promise.all([...caches].map(([name, cache]) => stateOf(name, cache)));
  const ok = states.every((state) => state.ok);
  return json(ok ? 200 : 503, {
    status: ok ? "healthy" : "unhealthy",
    cache_type: states.map(({ name }) => name).join(", "),
    ping_response: ok,
    caches: states,
  });
}

async function stateOf(name: string, cache: Cache): Promise<CacheState> {
  const health = (await cache.ping?.()) ?? { ok: true };
  const held = health.ok ? await cache.stats?.() : undefined;
  return { name, ...health, ...(held !== undefined && { stats: held }) };
}

async function stats(caches: ReadonlyMap<string, Cache>): Promise<HttpReply> {
  const rows = await Promise.all(
    [...caches].map(async ([name, cache]) => [name, (await cache.stats?.()) ?? {}] as const),
  );
  return json(200, Object.fromEntries(rows));
}

function remove(caches: ReadonlyMap<string, Cache>, { body }: DialectRequest): Promise<HttpReply> {
  const wanted = body?.value;
  if (!isJsonObject(wanted))
    throw new GatewayError("invalid_request", "the body must be an object with keys, a namespace or a tag");
  const unknown = Object.keys(wanted).find((name) => !SELECTION.includes(name));
  if (unknown !== undefined) {
    const hint = didYouMean(unknown, SELECTION);
    throw new GatewayError("unknown_field", `there is no field ${JSON.stringify(unknown)}.${hint}`, { param: unknown });
  }
  const selection = selectionOf(wanted);
  if (Object.keys(selection).length === 0) {
    throw new GatewayError(
      "invalid_request",
      "keys, namespace or tag must say what to forget; POST /cache/flushall forgets all",
      {
        param: "keys",
      },
    );
  }
  return clear(caches, selection);
}

/** @throws {GatewayError} `invalid_request` naming the field */
function selectionOf(body: JsonObject): CacheSelection {
  const keys = optionalTexts(body, "keys");
  const namespace = optionalText(body, "namespace");
  const tag = optionalText(body, "tag");
  return {
    ...(keys !== undefined && { keys }),
    ...(namespace !== undefined && { namespace }),
    ...(tag !== undefined && { tag }),
  };
}

async function clear(caches: ReadonlyMap<string, Cache>, selection: CacheSelection): Promise<HttpReply> {
  const rows: (readonly [string, number | "unsupported" | "unknown"])[] = [];
  for (const [name, cache] of caches) {
    rows.push([name, cache.clear === undefined ? "unsupported" : ((await cache.clear(selection)) ?? "unknown")]);
  }
  const done = rows.every(([, count]) => count !== "unsupported");
  return json(200, { status: done ? "success" : "partial", deleted: Object.fromEntries(rows) });
}

function json(status: number, value: unknown): HttpReply {
  return { status, headers: { "content-type": "application/json" }, body: JSON.stringify(value) };
}
