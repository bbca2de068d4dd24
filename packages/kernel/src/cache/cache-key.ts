import { hash } from "node:crypto";
import type { Call } from "../call.ts";
import type { Principal } from "../principal.ts";
import { canonicalDigest } from "./canonical-text.ts";

/**
 * Who shares answers with whom. `team` is the default: callers of one team, of one organization where there is no team,
 * and nobody else. What a scope needs and a caller has not got narrows it to the caller.
 */
export type CacheScope = "key" | "team" | "organization" | "gateway";

/** Where a call's answer belongs, as the gateway's rules and the request say. */
export interface CacheAddress {
  readonly scope: CacheScope;
  /** A part of the cache of its own, within the scope. */
  readonly namespace?: string;
}

const ADDRESS = Symbol("signalbox.cacheAddress");
const KEYS = Symbol("signalbox.cacheKeys");
const DEFAULT_ADDRESS: CacheAddress = { scope: "team" };

/** Members of requests that say nothing about the answer. */
const INEFFECTIVE: ReadonlySet<string> = new Set(["stream", "metadata"]);
/** The same in the dialects' own parts. */
const INEFFECTIVE_EXTRA: ReadonlySet<string> = new Set([
  "stream_options",
  "prompt_cache_key",
  "prompt_cache_retention",
]);

/** Who is asking, and by which way to the same model. */
const INEFFECTIVE_HEADERS: ReadonlySet<string> = new Set(["http-referer", "x-title", "x-grok-conv-id"]);

/** For the layer of the stage `cache`: where `cacheKey` finds it. */
export function setCacheAddress(call: Call, address: CacheAddress): void {
  call.state.set(ADDRESS, address);
}

/** Where the answer of a call belongs. */
export function cacheAddress(call: Call): CacheAddress {
  return (call.state.get(ADDRESS) as CacheAddress | undefined) ?? DEFAULT_ADDRESS;
}

/**
 * What makes two calls equal for an exact cache: tenant, namespace, operation, model and everything in the request that
 * can change the answer, known or not; never the order of members, the form of numbers, or whether it is streamed.
 * 43 characters of base64url, a SHA-256. Computed once per request of a call.
 */
export function cacheKey(call: Call): string {
  let keys = call.state.get(KEYS) as WeakMap<object, string> | undefined;
  if (keys === undefined) {
    keys = new WeakMap();
    call.state.set(KEYS, keys);
  }
  const known = keys.get(call.request);
  if (known !== undefined) return known;
  const { native } = call;
  const key = canonicalDigest(effectiveParts(call, call.request), (exact) =>
    exact || native === undefined ? "" : hash("sha256", native.body.bytes, "base64url"),
  );
  keys.set(call.request, key);
  return key;
}

/**
 * Everything of a call that can change its answer, with `request` in place of the call's own: for caches that compare
 * some of it by other means.
 */
export function effectiveParts(call: Call, request: object): readonly unknown[] {
  const own = request === call.request ? clientWords(call) : undefined;
  const { dropParams, additionalDropParams, allowedParams, endUserId } = call.options;
  return [
    tenantOf(call),
    call.operation,
    call.model,
    [dropParams, additionalDropParams, allowedParams, endUserId, call.principal.allowedRegions],
    own ?? effective(request),
  ];
}

/**
 * What the client wrote and a provider may be sent, members without effect left out; undefined where it is not sent as it
 * was written, or is told apart otherwise. The canonical form has no words for everything that vendors take.
 */
export function clientWords({ operation, request, native }: Call): readonly unknown[] | undefined {
  // vectors are kept input by input, and their requests have nothing that the canonical form does not say
  if (native === undefined || native.request !== request || operation === "embed") return undefined;
  const { body, edits, dialect, headers } = native;
  const rest: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(body.value as Readonly<Record<string, unknown>>)) {
    if (value === null || Object.hasOwn(edits, name)) continue;
    if (name !== "model" && !INEFFECTIVE.has(name) && !INEFFECTIVE_EXTRA.has(name)) rest[name] = value;
  }
  // the text that stands in place of what was written
  const edited = Object.entries(edits).filter(([name, text]) => text !== undefined && !INEFFECTIVE.has(name));
  const { user } = request as { readonly user?: string };
  return [dialect, user, rest, edited.length === 0 ? undefined : Object.fromEntries(edited), headersOf(headers)];
}

function headersOf(headers: readonly string[]): Readonly<Record<string, string>> | undefined {
  if (headers.length === 0) return undefined;
  const rest: Record<string, string> = {};
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const name = headers[at] as string;
    if (!INEFFECTIVE_HEADERS.has(name)) rest[name] = headers[at + 1] as string;
  }
  return rest;
}

/** Names of one scope never read like those of another. */
function tenantOf(call: Call): readonly unknown[] {
  const { scope, namespace = null } = cacheAddress(call);
  return [namespace, ...scopeOf(scope, call.principal)];
}

function scopeOf(scope: CacheScope, principal: Principal): readonly unknown[] {
  const { id } = principal;
  const organizationId = principal.organizationId ?? null;
  const teamId = principal.teamId ?? null;
  if (scope === "gateway") return ["gateway"];
  if (scope === "organization" && organizationId !== null) return ["organization", organizationId];
  if (scope === "team" && (teamId !== null || organizationId !== null)) return ["team", organizationId, teamId];
  return ["key", id];
}

function effective(request: object): Readonly<Record<string, unknown>> {
  const rest: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(request)) {
    // the model that serves it stands beside the request, whatever it was called
    if (INEFFECTIVE.has(name) || name === "model") continue;
    rest[name] = name === "extra" ? effectiveExtra(value as Readonly<Record<string, unknown>>) : value;
  }
  return rest;
}

function effectiveExtra(
  extra: Readonly<Record<string, unknown>> | undefined,
): Readonly<Record<string, unknown>> | undefined {
  if (extra === undefined) return undefined;
  const rest: Record<string, unknown> = {};
  for (const [origin, fields] of Object.entries(extra)) {
    const kept = Object.entries(fields ?? {}).filter(([name]) => !INEFFECTIVE_EXTRA.has(name));
    if (kept.length > 0) rest[origin] = Object.fromEntries(kept);
  }
  return Object.keys(rest).length === 0 ? undefined : rest;
}
