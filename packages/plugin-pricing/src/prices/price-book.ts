import type { Deployment } from "@signalbox/kernel";
import type { PricingOptions } from "../options.ts";
import { baseModelOf } from "./base-model.ts";
import type { DatedPrices, LibraryLookup } from "./library-prices.ts";
import { libraryPrices } from "./library-prices.ts";
import { isLocal } from "./local-hosts.ts";
import type { PriceFields } from "./price-fields.ts";
import { readPriceFields } from "./price-fields.ts";
import type { PriceTable } from "./price-table.ts";

const FREE: PriceTable = { version: "free", prices: {}, free: true };

/** Finds the prices of deployments: their own, the options', what is free, the price map's, the library's. */
export class PriceBook {
  readonly #options: PricingOptions;
  readonly #library: LibraryLookup;
  readonly #found = new WeakMap<Deployment, DatedPrices | { readonly none: true }>();

  constructor(options: PricingOptions, library: LibraryLookup) {
    this.#options = options;
    this.#library = library;
  }

  /** Undefined: unknown. */
  find(deployment: Deployment): DatedPrices | undefined {
    let found = this.#found.get(deployment);
    if (found === undefined) {
      found = this.#search(deployment) ?? { none: true };
      this.#found.set(deployment, found);
    }
    return "none" in found ? undefined : found;
  }

  #search(deployment: Deployment): DatedPrices | undefined {
    const own = ownFields(deployment);
    if (own !== undefined) return always(tableOf(own, `deployment ${deployment.id}`));
    const { provider, upstreamModel, model, id } = deployment;
    const base = baseModelOf(deployment);
    const names = [`${provider}/${upstreamModel}`, ...(base === undefined ? [] : [base]), upstreamModel, model, id];
    const custom = this.#custom(names);
    if (custom !== undefined) return custom;
    if (this.#isFree(deployment)) return always(FREE);
    const upstream = base ?? upstreamModel;
    return this.#mapped(provider, upstream) ?? this.#fromLibrary(provider, upstream);
  }

  #custom(names: readonly string[]): DatedPrices | undefined {
    const { prices } = this.#options;
    if (prices === undefined) return undefined;
    for (const name of names) {
      const fields = Object.hasOwn(prices, name) ? prices[name] : undefined;
      if (fields !== undefined) return always(tableOf(fields, `custom ${name}`));
    }
    const patterns = Object.keys(prices).filter((key) => key.endsWith("*"));
    patterns.sort((one, other) => other.length - one.length);
    const pattern = patterns.find((each) => names.some((name) => name.startsWith(each.slice(0, -1))));
    return pattern === undefined ? undefined : always(tableOf(prices[pattern] as PriceFields, `custom ${pattern}`));
  }

  #isFree(deployment: Deployment): boolean {
    const { free } = this.#options;
    if (free === undefined) return isLocal(deployment);
    const name = `${deployment.provider}/${deployment.upstreamModel}`;
    return free.some((pattern) => (pattern.endsWith("*") ? name.startsWith(pattern.slice(0, -1)) : pattern === name));
  }

  #mapped(provider: string, model: string): DatedPrices | undefined {
    const { priceMap, priceMapVersion } = this.#options;
    if (priceMap === undefined) return undefined;
    const own = mapNames(provider);
    const plain = withoutPrefix(model, own);
    for (const name of [...own.map((each) => `${each}/${plain}`), plain]) {
      const entry = Object.hasOwn(priceMap, name) ? priceMap[name] : undefined;
      if (typeof entry !== "object" || entry === null) continue;
      const fields = entry as PriceFields;
      const vendor = fields["litellm_provider"];
      // a bare name may be another vendor's
      if (name === plain && !(typeof vendor === "string" && own.some((each) => vendor.startsWith(each)))) continue;
      const { table } = readPriceFields(fields);
      if (Object.keys(table.prices).length === 0) continue;
      const version = `map${priceMapVersion === undefined ? "" : ` ${priceMapVersion}`} ${name}`;
      const window = fields["max_input_tokens"];
      const output = fields["max_output_tokens"];
      return {
        ...always({ ...table, version }),
        ...(typeof window === "number" && { contextWindow: window }),
        ...(typeof output === "number" && { maxOutputTokens: output }),
      };
    }
    return undefined;
  }

  #fromLibrary(provider: string, model: string): DatedPrices | undefined {
    const found = this.#library(provider, withoutPrefix(model, mapNames(provider)));
    return found === undefined ? undefined : libraryPrices(found.provider, found.model);
  }
}

/** The names that a price map may have for a provider. */
const MAP_NAMES: Readonly<Record<string, readonly string[]>> = {
  google: ["gemini", "vertex_ai"],
  gemini: ["gemini"],
  vertex: ["vertex_ai"],
  "amazon-bedrock": ["bedrock"],
  aws: ["bedrock"],
  togetherai: ["together_ai"],
  together: ["together_ai"],
  fireworks: ["fireworks_ai"],
  "azure-openai": ["azure"],
  moonshotai: ["moonshot"],
  "novita-ai": ["novita"],
};

function mapNames(provider: string): readonly string[] {
  return [...new Set([...(MAP_NAMES[provider] ?? []), provider, provider.replaceAll("-", "_")])];
}

function withoutPrefix(model: string, prefixes: readonly string[]): string {
  const prefix = prefixes.find((each) => model.startsWith(`${each}/`));
  return prefix === undefined ? model : model.slice(prefix.length + 1);
}

/** Price fields that stand on a deployment; undefined: none. */
export function ownFields({ info }: Deployment): PriceFields | undefined {
  if (info === undefined) return undefined;
  const { inputCostPerToken, outputCostPerToken } = info;
  const fields: Record<string, unknown> = {};
  if (inputCostPerToken !== undefined) fields["input_cost_per_token"] = inputCostPerToken;
  if (outputCostPerToken !== undefined) fields["output_cost_per_token"] = outputCostPerToken;
  for (const [field, value] of Object.entries(info)) {
    if (/(^|_)(cost|pricing)(_|$)/.test(field) && value !== undefined && value !== null) fields[field] = value;
  }
  return Object.keys(fields).length === 0 ? undefined : fields;
}

function tableOf(fields: PriceFields, version: string): PriceTable {
  return { ...readPriceFields(fields).table, version };
}

function always(table: PriceTable): DatedPrices {
  const soon = [table];
  return { at: () => table, soon: () => soon };
}
