import { createRequire } from "node:module";
import type { ModelInfo, ModelPrice, Provider, TieredPrices } from "@pydantic/genai-prices";
import { dividedUp, scaled } from "./decimal.ts";
import { LIBRARY_PROVIDERS } from "./library-providers.ts";
import type { Price, PriceKind, PriceTable } from "./price-table.ts";
import { tiersOf } from "./service-tiers.ts";

/** Stands in every price version, so that it is known which data priced a call. A test holds it to the package's own. */
export const LIBRARY_VERSION = "genai-prices/0.1.8";

/** Finds a model of a provider; undefined: not in the data. */
export type LibraryLookup = (
  provider: string,
  model: string,
) => { readonly provider: Provider; readonly model: ModelInfo } | undefined;

/** The prices of a model in the course of time. */
export interface DatedPrices {
  at(epochMs: number): PriceTable;
  /** All that may hold within the next hour: a call that is priced now may be settled then. */
  soon(epochMs: number): readonly PriceTable[];
  readonly contextWindow?: number;
  readonly maxOutputTokens?: number;
}

const HOUR_MS = 3_600_000;
/** Field → kind, and by how many digits its unit is smaller than the field's: a million tokens, a thousand calls. */
const FIELDS: Readonly<Record<string, readonly [PriceKind, number]>> = {
  input_mtok: ["input", 6],
  cache_read_mtok: ["cacheRead", 6],
  cache_audio_read_mtok: ["cacheReadAudio", 6],
  cache_image_read_mtok: ["cacheReadImage", 6],
  cache_write_mtok: ["cacheWrite", 6],
  cache_write_1h_mtok: ["cacheWrite1h", 6],
  output_mtok: ["output", 6],
  output_reasoning_mtok: ["reasoning", 6],
  input_audio_mtok: ["inputAudio", 6],
  output_audio_mtok: ["outputAudio", 6],
  input_image_mtok: ["inputImage", 6],
  output_image_mtok: ["outputImage", 6],
  requests_kcount: ["request", 3],
  web_searches_kcount: ["webSearch", 3],
  rerank_searches_kcount: ["query", 3],
  storage_searches_kcount: ["fileSearch", 3],
  output_citation_mtok: ["citation", 6],
};
const SECONDS_PER_HOUR = 3_600n;

/** The data. They take 30 ms and 13 MB, so they are loaded when they are needed. */
export interface Library {
  readonly lookup: LibraryLookup;
  /** Loads them now, if a provider is in them: later a call would wait for it. */
  prepare(provider: string): void;
}

/** The data are a file of this machine: nothing is fetched. */
export function priceLibrary(): Library {
  // not `import`: who asks for a price cannot wait
  const require = createRequire(import.meta.url);
  let loaded: typeof import("@pydantic/genai-prices") | undefined;
  const load = (): typeof import("@pydantic/genai-prices") => {
    loaded ??= require("@pydantic/genai-prices") as typeof import("@pydantic/genai-prices");
    return loaded;
  };
  return {
    lookup(name, model) {
      const providerId = libraryId(name);
      if (providerId === undefined) return undefined;
      const found = load().calcPrice({}, model, { providerId });
      return found === null ? undefined : { provider: found.provider, model: found.model };
    },
    prepare(provider) {
      if (libraryId(provider) !== undefined) load();
    },
  };
}

function libraryId(provider: string): string | undefined {
  return LIBRARY_PROVIDERS[provider.toLowerCase().replaceAll("_", "-")];
}

/** Undefined when the data know the model but no price of it. */
export function libraryPrices(provider: Provider, model: ModelInfo): DatedPrices | undefined {
  const name = `${LIBRARY_VERSION} ${provider.id}/${model.id}`;
  const rows = (Array.isArray(model.prices) ? model.prices : [{ prices: model.prices }]).map((row) => {
    const { constraint } = row as { readonly constraint?: Constraint };
    const dated = constraint?.type === "start_date" ? `@${constraint.start_date}` : "";
    return { constraint, table: tableOf(row.prices, name + dated, provider.id) };
  });
  if (rows.every(({ table }) => Object.keys(table.prices).length === 0)) return undefined;
  const first = rows[0]?.table as PriceTable;
  const at = (epochMs: number): PriceTable =>
    rows.findLast(({ constraint }) => holds(constraint, epochMs))?.table ?? first;
  return {
    at,
    soon: (epochMs) => {
      if (rows.length === 1) return [first];
      const now = at(epochMs);
      const later = at(epochMs + HOUR_MS);
      return now === later ? [now] : [now, later];
    },
    ...(model.context_window !== undefined && { contextWindow: model.context_window }),
  };
}

type Constraint =
  | { readonly type: "start_date"; readonly start_date: string }
  | { readonly type: "time_of_date"; readonly start_time: string; readonly end_time: string };

function holds(constraint: Constraint | undefined, epochMs: number): boolean {
  if (constraint === undefined) return true;
  if (constraint.type === "start_date") return epochMs >= Date.parse(`${constraint.start_date}T00:00:00Z`);
  const day = new Date(epochMs).toISOString().slice(0, 10);
  const from = Date.parse(`${day}T${constraint.start_time}`);
  const to = Date.parse(`${day}T${constraint.end_time}`);
  return from <= to ? epochMs >= from && epochMs < to : epochMs >= from || epochMs < to;
}

function tableOf(fields: ModelPrice, version: string, provider: string): PriceTable {
  const prices: { [Kind in PriceKind]?: Price } = {};
  for (const [field, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    if (field === "audio_hours" || field === "input_audio_hours") {
      const perHour = scaled(typeof value === "number" ? value : value.base, 12);
      if (perHour !== undefined) prices.second = { pico: dividedUp(perHour, SECONDS_PER_HOUR) };
      continue;
    }
    const [kind, digits] = FIELDS[field] ?? [];
    if (kind === undefined || digits === undefined) continue;
    const price = priceOf(value, 12 - digits);
    if (price !== undefined) prices[kind] = price;
  }
  const tiers = tiersOf(provider, prices);
  return { version, prices, ...(tiers !== undefined && { tiers }) };
}

function priceOf(value: number | TieredPrices, digits: number): Price | undefined {
  if (typeof value === "number") {
    const pico = scaled(value, digits);
    return pico === undefined ? undefined : { pico };
  }
  const pico = scaled(value.base, digits);
  if (pico === undefined) return undefined;
  const steps = value.tiers
    .map(({ start, price }) => ({ above: start, pico: scaled(price, digits) ?? 0n }))
    .sort((one, other) => one.above - other.above);
  return { pico, steps };
}
