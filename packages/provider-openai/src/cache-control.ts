import type { CacheControl } from "@signalbox/kernel";
import { fieldError, isJsonObject } from "@signalbox/kernel/http";

const TTLS: ReadonlySet<unknown> = new Set(["5m", "30m", "1h", "12h"]);

/** `cache_control: { type: "ephemeral", ttl? }`, and OpenAI's `prompt_cache_breakpoint: { mode, ttl? }`. */
export function decodeCacheControl(value: unknown, path: string): CacheControl | undefined {
  if (value === undefined || value === null) return undefined;
  if (!isJsonObject(value)) throw fieldError(path, "an object");
  const { ttl } = value;
  if (ttl === undefined || ttl === null) return {};
  if (!TTLS.has(ttl)) throw fieldError(`${path}.ttl`, "one of 5m, 30m, 1h, 12h");
  return { ttl: ttl as NonNullable<CacheControl["ttl"]> };
}
