import type { NanoUsd, Usage } from "@signalbox/kernel";
import { NO_USAGE, parseUsd, totalTokens } from "@signalbox/kernel";
import type { JsonObject } from "@signalbox/kernel/http";
import { numberIn, objectOf, otherMembers } from "./json.ts";
import type { WireProfile } from "./profile.ts";

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

/** Nano-dollars in one xAI tick: 10 ticks are one (https://docs.x.ai/developers/cost-tracking). */
const TICKS_PER_NANO = 10n;

/**
 * Token counts in the normal form. Hosts differ in where they put cache counts; all known places are read.
 * Where `total_tokens` shows that reasoning was counted beside `completion_tokens` (xAI), or where there is more of it
 * than of output (Gemini behind Vercel), it is added. Cache counts end up as partitions of the input.
 */
export function readUsage(value: unknown, profile?: WireProfile): Usage {
  const wire = objectOf(value);
  if (wire === undefined) return NO_USAGE;
  const input = objectOf(wire["prompt_tokens_details"]) ?? objectOf(wire["prompt_token_details"]);
  const output = objectOf(wire["completion_tokens_details"]);
  let inputTokens = countIn(wire["prompt_tokens"]) ?? countIn(wire["total_tokens"]) ?? 0;
  const total = countIn(wire["total_tokens"]);
  let outputTokens = countIn(wire["completion_tokens"]) ?? 0;
  const reasoning = countIn(output?.["reasoning_tokens"]) ?? countIn(wire["reasoning_tokens"]);
  if (reasoning !== undefined && reasoning > 0) {
    const apart = total === inputTokens + outputTokens + reasoning;
    if (apart || reasoning > outputTokens) outputTokens += reasoning;
  }
  const cacheRead =
    countIn(input?.["cached_tokens"]) ??
    countIn(wire["prompt_cache_hit_tokens"]) ??
    countIn(wire["cached_tokens"]) ??
    countIn(wire["num_cached_tokens"]) ??
    countIn(wire["cache_read_input_tokens"]);
  // More read from a cache than the whole prompt: counted beside it (Grok on Azure).
  if (cacheRead !== undefined && cacheRead > inputTokens) inputTokens += cacheRead;
  const usage: Mutable<Usage> = { inputTokens, outputTokens };
  if (cacheRead !== undefined) usage.cacheReadTokens = cacheRead;
  readCacheWrites(wire, input, usage);
  if (reasoning !== undefined) usage.reasoningTokens = reasoning;
  set(usage, "inputAudioTokens", input?.["audio_tokens"]);
  set(usage, "inputImageTokens", input?.["image_tokens"]);
  set(usage, "outputAudioTokens", output?.["audio_tokens"]);
  set(usage, "outputImageTokens", output?.["image_tokens"]);
  set(usage, "acceptedPredictionTokens", output?.["accepted_prediction_tokens"]);
  set(usage, "rejectedPredictionTokens", output?.["rejected_prediction_tokens"]);
  set(usage, "webSearchCalls", objectOf(wire["server_tool_use_details"])?.["web_search_requests"]);
  const cost = reportedCost(wire, profile);
  if (cost !== undefined) usage.reportedCost = cost;
  return usage;
}

function readCacheWrites(wire: JsonObject, input: JsonObject | undefined, usage: Mutable<Usage>): void {
  const byLifetime = objectOf(wire["cache_creation"]);
  const hour = countIn(byLifetime?.["ephemeral_1h_input_tokens"]);
  const all = countIn(input?.["cache_write_tokens"]) ?? countIn(wire["cache_creation_input_tokens"]);
  if (hour !== undefined && hour > 0) usage.cacheWrite1hTokens = hour;
  if (all === undefined) return;
  // A token is either read or written. Gemini behind OpenRouter reports the same ones as both.
  const left = usage.inputTokens - (usage.cacheReadTokens ?? 0);
  usage.cacheWriteTokens = Math.max(0, Math.min(all, left) - (hour ?? 0));
}

function set(usage: Mutable<Usage>, field: Exclude<keyof Usage, "reportedCost">, value: unknown): void {
  const count = countIn(value);
  if (count !== undefined) usage[field] = count;
}

/** A count of what was used. Anything else is no news: it must not lower what a caller has spent, or break sums. */
function countIn(value: unknown): number | undefined {
  const count = numberIn(value);
  return count !== undefined && count >= 0 && count <= Number.MAX_SAFE_INTEGER ? count : undefined;
}

function reportedCost(wire: JsonObject, profile: WireProfile | undefined): NanoUsd | undefined {
  switch (profile?.usage?.cost) {
    case "cost":
      return dollars(wire["cost"]);
    case "cost.total_cost":
      return dollars(objectOf(wire["cost"])?.["total_cost"]);
    case "cost_in_usd_ticks": {
      const ticks = countIn(wire["cost_in_usd_ticks"]);
      // Round up: a cost is never under-reported.
      return ticks === undefined ? undefined : (BigInt(Math.ceil(ticks)) + TICKS_PER_NANO - 1n) / TICKS_PER_NANO;
    }
    default:
      return undefined;
  }
}

const COST_DIGITS = 12;
/** Above this a number has no such digits, and no call such a cost. */
const MAX_DOLLARS = 1e9;

function dollars(value: unknown): NanoUsd | undefined {
  const amount = numberIn(value);
  if (amount === undefined || amount < 0 || amount > MAX_DOLLARS) return undefined;
  // Fixed notation: small numbers would be written with an exponent. Twelve digits hide the noise of binary fractions.
  return parseUsd(amount.toFixed(COST_DIGITS));
}

const KNOWN: ReadonlySet<string> = new Set([
  "prompt_tokens",
  "completion_tokens",
  "total_tokens",
  "prompt_tokens_details",
  "completion_tokens_details",
]);

const KNOWN_INPUT: ReadonlySet<string> = new Set([
  "cached_tokens",
  "cache_write_tokens",
  "audio_tokens",
  "image_tokens",
]);

const KNOWN_OUTPUT: ReadonlySet<string> = new Set([
  "reasoning_tokens",
  "audio_tokens",
  "image_tokens",
  "accepted_prediction_tokens",
  "rejected_prediction_tokens",
]);

/** Members of a usage object that the normal form does not cover: times, costs, flags. They travel in `extra`. */
export function otherUsage(value: unknown): Record<string, unknown> | undefined {
  const wire = objectOf(value);
  if (wire === undefined) return undefined;
  const input = otherDetails(wire, "prompt_tokens_details", KNOWN_INPUT);
  const output = otherDetails(wire, "completion_tokens_details", KNOWN_OUTPUT);
  const others = otherMembers(wire, KNOWN);
  return input === undefined && output === undefined ? others : { ...others, ...input, ...output };
}

function otherDetails(wire: JsonObject, name: string, known: ReadonlySet<string>): Record<string, unknown> | undefined {
  const details = objectOf(wire[name]);
  const others = details === undefined ? undefined : otherMembers(details, known);
  return others === undefined ? undefined : { [name]: others };
}

/** Usage as OpenAI's chat and text completions report it. `others`: what `otherUsage` found in the host's own. */
export function writeUsage(usage: Usage, others?: unknown): Record<string, unknown> {
  const write5m = usage.cacheWriteTokens ?? 0;
  const write1h = usage.cacheWrite1hTokens ?? 0;
  const written = usage.cacheWriteTokens !== undefined || usage.cacheWrite1hTokens !== undefined;
  const rest = objectOf(others);
  return {
    ...(write1h > 0 && {
      cache_creation: { ephemeral_5m_input_tokens: write5m, ephemeral_1h_input_tokens: write1h },
    }),
    ...rest,
    prompt_tokens: usage.inputTokens,
    completion_tokens: usage.outputTokens,
    total_tokens: totalTokens(usage),
    prompt_tokens_details: {
      cached_tokens: usage.cacheReadTokens ?? 0,
      ...(written && { cache_write_tokens: write5m + write1h }),
      audio_tokens: usage.inputAudioTokens ?? 0,
      ...(usage.inputImageTokens !== undefined && { image_tokens: usage.inputImageTokens }),
      ...objectOf(rest?.["prompt_tokens_details"]),
    },
    completion_tokens_details: {
      reasoning_tokens: usage.reasoningTokens ?? 0,
      audio_tokens: usage.outputAudioTokens ?? 0,
      ...(usage.outputImageTokens !== undefined && { image_tokens: usage.outputImageTokens }),
      accepted_prediction_tokens: usage.acceptedPredictionTokens ?? 0,
      rejected_prediction_tokens: usage.rejectedPredictionTokens ?? 0,
      ...objectOf(rest?.["completion_tokens_details"]),
    },
  };
}
