import type { Usage } from "@signalbox/kernel";
import type { JsonObject } from "@signalbox/kernel/http";
import { isJsonObject } from "@signalbox/kernel/http";
import { membersBesides, numberOf, stringOf } from "./json-object.ts";

/** Members of Anthropic's usage that have a place in the canonical form. */
const KNOWN: ReadonlySet<string> = new Set([
  "input_tokens",
  "output_tokens",
  "cache_creation_input_tokens",
  "cache_read_input_tokens",
  "cache_creation",
  "output_tokens_details",
  "service_tier",
]);

interface Counts {
  input: number;
  output: number;
  cacheRead: number;
  cacheWrite: number;
  cacheWrite1h: number;
  thinking: number;
}

/**
 * The normal form of Anthropic's usage, whose input parts exclude each other: they are summed.
 * With compaction the top level leaves the compaction itself out; the iterations have it.
 */
export function usageFrom(raw: JsonObject): Usage {
  const counts = countsOf(raw);
  const compacted = compactionCounts(raw.iterations);
  const { input, output, cacheRead, cacheWrite, cacheWrite1h } = compacted ?? counts;
  const searches = isJsonObject(raw.server_tool_use) ? countOf(raw.server_tool_use.web_search_requests) : undefined;
  return {
    inputTokens: input + cacheRead + cacheWrite + cacheWrite1h,
    outputTokens: output,
    ...(cacheRead > 0 && { cacheReadTokens: cacheRead }),
    ...(cacheWrite > 0 && { cacheWriteTokens: cacheWrite }),
    ...(cacheWrite1h > 0 && { cacheWrite1hTokens: cacheWrite1h }),
    ...(isJsonObject(raw.output_tokens_details) && { reasoningTokens: counts.thinking }),
    ...(searches !== undefined && searches > 0 && { webSearchCalls: searches }),
  };
}

function countsOf(raw: JsonObject): Counts {
  const written = countOf(raw.cache_creation_input_tokens) ?? 0;
  const split = raw.cache_creation;
  const oneHour = isJsonObject(split) ? (countOf(split.ephemeral_1h_input_tokens) ?? 0) : 0;
  const fiveMinutes = isJsonObject(split) ? (countOf(split.ephemeral_5m_input_tokens) ?? 0) : 0;
  const details = raw.output_tokens_details;
  return {
    input: countOf(raw.input_tokens) ?? 0,
    output: countOf(raw.output_tokens) ?? 0,
    cacheRead: countOf(raw.cache_read_input_tokens) ?? 0,
    // what the split does not explain has an unknown lifetime
    cacheWrite: Math.max(written - oneHour, fiveMinutes),
    cacheWrite1h: oneHour,
    thinking: isJsonObject(details) ? (countOf(details.thinking_tokens) ?? 0) : 0,
  };
}

/** A count of what was used. Anything else is no news: it must not lower what a caller has spent, or break sums. */
function countOf(value: unknown): number | undefined {
  const count = numberOf(value);
  return count !== undefined && count >= 0 && count <= Number.MAX_SAFE_INTEGER ? count : undefined;
}

/** The sum over `message` and `compaction` iterations, when there was a compaction and no fallback to another model. */
function compactionCounts(iterations: unknown): Counts | undefined {
  if (!Array.isArray(iterations)) return undefined;
  const rows = (iterations as readonly unknown[]).filter(isJsonObject);
  if (!rows.some((row) => row.type === "compaction") || rows.some((row) => row.type === "fallback_message")) {
    return undefined;
  }
  const sum: Counts = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, cacheWrite1h: 0, thinking: 0 };
  for (const row of rows) {
    if (row.type !== "message" && row.type !== "compaction") continue;
    const counts = countsOf(row);
    for (const field of Object.keys(sum) as (keyof Counts)[]) sum[field] += counts[field];
  }
  return sum;
}

/** What a stream's `message_delta` adds to the usage of its `message_start`: it is cumulative, but may be incomplete. */
export function mergeUsage(start: JsonObject | undefined, update: JsonObject): JsonObject {
  const merged: Record<string, unknown> = { ...start };
  for (const name in update) if (update[name] !== undefined && update[name] !== null) merged[name] = update[name];
  return merged;
}

/** The usage in an event of a stream: `message_start` and `message_delta` have one. */
export function usageOfEvent(event: JsonObject): JsonObject | undefined {
  const usage = isJsonObject(event.message) ? event.message.usage : event.usage;
  return isJsonObject(usage) ? usage : undefined;
}

/** Members of the usage that the canonical form has no place for: `iterations`, `inference_geo`, … */
export function usageExtra(raw: JsonObject): JsonObject | undefined {
  return membersBesides(raw, KNOWN);
}

export function serviceTierFrom(raw: JsonObject): string | undefined {
  return stringOf(raw.service_tier);
}

/** A usage as Anthropic writes it: the parts of the input exclude each other again. */
export function encodeUsage(usage: Usage, serviceTier: string | undefined, extra: JsonObject | undefined): JsonObject {
  const read = usage.cacheReadTokens ?? 0;
  const written = usage.cacheWriteTokens ?? 0;
  const written1h = usage.cacheWrite1hTokens ?? 0;
  const tier = serviceTier === "default" ? "standard" : serviceTier;
  return {
    input_tokens: Math.max(0, usage.inputTokens - read - written - written1h),
    cache_creation_input_tokens: written + written1h,
    cache_read_input_tokens: read,
    cache_creation: { ephemeral_5m_input_tokens: written, ephemeral_1h_input_tokens: written1h },
    output_tokens: usage.outputTokens,
    ...(usage.reasoningTokens !== undefined && { output_tokens_details: { thinking_tokens: usage.reasoningTokens } }),
    ...(usage.webSearchCalls !== undefined && { server_tool_use: { web_search_requests: usage.webSearchCalls } }),
    ...(tier !== undefined && { service_tier: tier }),
    ...extra,
  };
}
