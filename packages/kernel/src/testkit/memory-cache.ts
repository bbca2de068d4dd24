import { createHash } from "node:crypto";
import type { Cache, Recording } from "../cache.ts";
import type { Call } from "../call.ts";
import type { OperationName } from "../operation.ts";

/** Options of `memoryCache`. */
export interface MemoryCacheOptions {
  /** How long a recording is good for. Default: one hour. */
  readonly ttlMs?: number;
  /** Epoch milliseconds. Default `Date.now`. */
  readonly now?: () => number;
}

const DEFAULT_TTL_MS = 3_600_000;

/**
 * The contract of an exact cache in its shortest form: in memory, for tests, without a limit to its size.
 * Two calls are equal when tenant, operation and the whole request are, whatever the order of its members; only
 * `stream` does not count, since a recording serves both.
 */
export function memoryCache(options: MemoryCacheOptions = {}): Cache {
  const { ttlMs = DEFAULT_TTL_MS, now = Date.now } = options;
  const recordings = new Map<string, Recording>();
  return {
    async find<Name extends OperationName>(call: Call<Name>) {
      const key = cacheKey(call);
      const recording = recordings.get(key);
      if (recording === undefined) return undefined;
      if (recording.storedAt + ttlMs > now()) return recording as unknown as Recording<Name>;
      recordings.delete(key);
      return undefined;
    },
    async keep(call, recording) {
      recordings.set(cacheKey(call), recording as unknown as Recording);
    },
    async forget(call) {
      recordings.delete(cacheKey(call));
    },
    async close() {
      recordings.clear();
    },
  };
}

/** Nobody without a team or an organisation shares with anybody. */
function tenant({ principal }: Call): readonly unknown[] {
  const { organizationId = null, teamId = null } = principal;
  return organizationId === null && teamId === null ? ["principal", principal.id] : [organizationId, teamId];
}

function cacheKey(call: Call): string {
  const { stream: _, ...request } = call.request as { readonly stream?: boolean };
  return createHash("sha256")
    .update(canonicalJson([tenant(call), call.operation, request]))
    .digest("base64");
}

/** JSON with sorted members, in which bytes and big integers are told apart from text. */
function canonicalJson(value: unknown): string {
  if (typeof value === "bigint") return `${value}n`;
  if (ArrayBuffer.isView(value)) {
    return `bytes:${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("base64")}`;
  }
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, member]) => `${JSON.stringify(name)}:${canonicalJson(member)}`);
  return `{${members.join(",")}}`;
}
