import { didYouMean } from "@signalbox/kernel";
import { scaled } from "./decimal.ts";
import type { Price, PriceKind, PriceStep, Prices, PriceTable } from "./price-table.ts";

/** Price fields as LiteLLM's price map has them: US dollars for one unit. */
export type PriceFields = Readonly<Record<string, unknown>>;

/** What a set of fields says. */
export interface ReadFields {
  readonly table: Omit<PriceTable, "version">;
  /** Fields that look like prices and are none that this package knows. */
  readonly unknown: readonly string[];
  /** Fields whose value is no price. */
  readonly invalid: readonly string[];
}

const PICO_DIGITS = 12;
const KINDS: Readonly<Record<string, PriceKind>> = {
  input_cost_per_token: "input",
  output_cost_per_token: "output",
  output_cost_per_reasoning_token: "reasoning",
  cache_read_input_token_cost: "cacheRead",
  input_cost_per_token_cache_hit: "cacheRead",
  cache_read_input_audio_token_cost: "cacheReadAudio",
  cache_read_input_image_token_cost: "cacheReadImage",
  cache_creation_input_token_cost: "cacheWrite",
  cache_creation_input_token_cost_above_1hr: "cacheWrite1h",
  input_cost_per_audio_token: "inputAudio",
  output_cost_per_audio_token: "outputAudio",
  input_cost_per_image_token: "inputImage",
  output_cost_per_image_token: "outputImage",
  input_cost_per_request: "request",
  input_cost_per_query: "query",
  input_cost_per_image: "image",
  output_cost_per_image: "image",
  input_cost_per_character: "character",
  input_cost_per_second: "second",
  input_cost_per_audio_per_second: "second",
};
const NAMES: readonly string[] = [...Object.keys(KINDS), "search_context_cost_per_query", "tiered_pricing"];
const STEP = /_above_(\d+)k_tokens/;
const TIER = /_(batches|flex|priority)$/;
const TIERS: Readonly<Record<string, string>> = { batches: "batch", flex: "flex", priority: "priority" };
const LOOKS_LIKE_PRICE = /cost|pric(e|ing)/;

interface Draft {
  pico?: bigint;
  steps?: PriceStep[];
}
type Drafts = { [Kind in PriceKind]?: Draft };

/** Reads price fields. What is no price field at all (`mode`, `supports_vision`) is passed over. */
export function readPriceFields(fields: PriceFields): ReadFields {
  const drafts: Record<string, Drafts> = {};
  const unknown: string[] = [];
  const invalid: string[] = [];
  const draft = (tier: string, kind: PriceKind): Draft => {
    drafts[tier] ??= {};
    const kinds = drafts[tier];
    kinds[kind] ??= {};
    return kinds[kind];
  };

  for (const [field, value] of Object.entries(fields)) {
    if (value === undefined || value === null) continue;
    if (field === "tiered_pricing") {
      if (!readRanges(value, (kind) => draft("", kind))) invalid.push(field);
      continue;
    }
    if (field === "search_context_cost_per_query") {
      const price = searchPrice(value);
      if (price === undefined) invalid.push(field);
      else draft("", "webSearch").pico = price;
      continue;
    }
    const tier = TIER.exec(field)?.[1];
    const plain = tier === undefined ? field : field.replace(TIER, "");
    const step = STEP.exec(plain);
    const kind = KINDS[step === null ? plain : plain.replace(STEP, "")];
    if (kind === undefined) {
      if (LOOKS_LIKE_PRICE.test(field)) unknown.push(field);
      continue;
    }
    const pico = priceOf(value);
    if (pico === undefined) {
      invalid.push(field);
      continue;
    }
    const into = draft(tier === undefined ? "" : (TIERS[tier] as string), kind);
    if (step === null) {
      // input and output pictures share a kind: the higher price holds
      if (into.pico === undefined || pico > into.pico) into.pico = pico;
    } else {
      into.steps ??= [];
      into.steps.push({ above: Number(step[1]) * 1_000, pico });
    }
  }

  const { "": standard = {}, ...tiers } = drafts;
  const prices = finished(standard);
  const finishedTiers = Object.entries(tiers).map(([tier, kinds]) => [tier, finished(kinds)] as const);
  return {
    table: { prices, ...(finishedTiers.length > 0 && { tiers: Object.fromEntries(finishedTiers) }) },
    unknown,
    invalid,
  };
}

/** ` Did you mean …`, or nothing. */
export function similarField(name: string): string {
  return didYouMean(name, NAMES);
}

function finished(drafts: Drafts): Prices {
  const prices: { [Kind in PriceKind]?: Price } = {};
  for (const [kind, { pico, steps }] of Object.entries(drafts) as [PriceKind, Draft][]) {
    if (pico === undefined) continue;
    prices[kind] = { pico, ...(steps !== undefined && { steps: steps.sort((one, other) => one.above - other.above) }) };
  }
  return prices;
}

function priceOf(value: unknown): bigint | undefined {
  return typeof value === "number" || typeof value === "string" ? scaled(value, PICO_DIGITS) : undefined;
}

/** One price for all sizes of search context: the highest, which nobody pays more than. */
function searchPrice(value: unknown): bigint | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  let highest: bigint | undefined;
  for (const each of Object.values(value)) {
    const pico = priceOf(each);
    if (pico === undefined) return undefined;
    if (highest === undefined || pico > highest) highest = pico;
  }
  return highest;
}

/** `[{ range: [0, 32000], input_cost_per_token, … }, …]`: the range in which the input falls prices the whole request. */
function readRanges(value: unknown, draft: (kind: PriceKind) => Draft): boolean {
  if (!Array.isArray(value) || value.length === 0) return false;
  for (const row of value as readonly unknown[]) {
    if (typeof row !== "object" || row === null) return false;
    const { range, ...fields } = row as Readonly<Record<string, unknown>>;
    const from: unknown = Array.isArray(range) ? range[0] : undefined;
    if (typeof from !== "number" || !Number.isSafeInteger(from) || from < 0) return false;
    for (const [field, price] of Object.entries(fields)) {
      const kind = KINDS[field];
      const pico = priceOf(price);
      if (kind === undefined || pico === undefined) return false;
      const into = draft(kind);
      if (from === 0) into.pico = pico;
      else {
        into.steps ??= [];
        into.steps.push({ above: from, pico });
      }
    }
  }
  return true;
}
