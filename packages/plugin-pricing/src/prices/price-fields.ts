import { didYouMean } from "@signalbox/kernel";
import { dividedUp, scaled } from "./decimal.ts";
import type { Price, PriceKind, PriceStep, Prices, PriceTable } from "./price-table.ts";
import { times } from "./service-tiers.ts";

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
  input_cost_per_pixel: "pixel",
  output_cost_per_pixel: "pixel",
  input_cost_per_character: "character",
  input_cost_per_second: "second",
  output_cost_per_second: "second",
  input_cost_per_audio_per_second: "second",
  code_interpreter_cost_per_session: "codeSession",
  ocr_cost_per_page: "page",
  annotation_cost_per_page: "annotatedPage",
  citation_cost_per_token: "citation",
};
/** By the size of what a search reads. */
const SEARCH_SIZES: Readonly<Record<string, PriceKind>> = {
  search_context_size_low: "webSearchLow",
  search_context_size_medium: "webSearchMedium",
  search_context_size_high: "webSearchHigh",
};
const FILE_SEARCH = "file_search_cost_per_1k_calls";
const MULTIPLES = "provider_specific_entry";
const MULTIPLE_DIGITS = 6;
const MULTIPLE_DIVISOR = 1_000_000n;
const CALLS_PER_PRICE = 1_000n;
const NAMES: readonly string[] = [
  ...Object.keys(KINDS),
  "search_context_cost_per_query",
  "tiered_pricing",
  FILE_SEARCH,
  MULTIPLES,
];
/** Prices that no call has: units of an account (they stand in US dollars beside), and what is kept for days. */
const NOT_OF_CALLS = /_dbu_cost_per_token$|_cost_per_gb_per_day$/;
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

  let multiples: Readonly<Record<string, bigint>> = {};
  for (const [field, value] of Object.entries(fields)) {
    if (value === undefined || value === null) continue;
    if (field === "tiered_pricing") {
      if (!readRanges(value, (kind) => draft("", kind))) invalid.push(field);
      continue;
    }
    if (NOT_OF_CALLS.test(field)) continue;
    if (field === "search_context_cost_per_query") {
      const price = searchPrice(value, (kind) => draft("", kind));
      if (price === undefined) invalid.push(field);
      else draft("", "webSearch").pico = price;
      continue;
    }
    if (field === FILE_SEARCH) {
      const thousand = priceOf(value);
      if (thousand === undefined) invalid.push(field);
      else draft("", "fileSearch").pico = dividedUp(thousand, CALLS_PER_PRICE);
      continue;
    }
    if (field === MULTIPLES) {
      const read = multiplesOf(value);
      if (read === undefined) invalid.push(field);
      else multiples = read;
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
  const finishedTiers = [
    ...Object.entries(multiples).map(([tier, factor]) => [tier, times(prices, factor, MULTIPLE_DIVISOR)] as const),
    ...Object.entries(tiers).map(([tier, kinds]) => [tier, finished(kinds)] as const),
  ];
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

/** Prices by size, and the highest, which nobody pays more than: it holds where the size is not known. */
function searchPrice(value: unknown, draft: (kind: PriceKind) => Draft): bigint | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  let highest: bigint | undefined;
  for (const [size, each] of Object.entries(value)) {
    const pico = priceOf(each);
    if (pico === undefined) return undefined;
    const kind = SEARCH_SIZES[size];
    if (kind !== undefined) draft(kind).pico = pico;
    if (highest === undefined || pico > highest) highest = pico;
  }
  return highest;
}

/** `{ fast: 6, us: 1.1 }`: what multiplies the prices of tokens. */
function multiplesOf(value: unknown): Readonly<Record<string, bigint>> | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const read: Record<string, bigint> = {};
  for (const [tier, factor] of Object.entries(value) as [string, unknown][]) {
    const times = typeof factor === "number" ? scaled(factor, MULTIPLE_DIGITS) : undefined;
    if (times === undefined) return undefined;
    read[tier] = times;
  }
  return read;
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
