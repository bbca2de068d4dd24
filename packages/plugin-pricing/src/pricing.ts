import type {
  ConvertedAmount,
  Cost,
  CostLine,
  Deployment,
  Extra,
  ModelFacts,
  NanoUsd,
  Plugin,
  PricedWork,
  Pricing,
  Usage,
} from "@signalbox/kernel";
import { GatewayError, MODEL_FACTS, MODEL_TABLE } from "@signalbox/kernel";
import { Billing } from "./billing/billing.ts";
import type { Currencies } from "./billing/currency.ts";
import { currencies } from "./billing/currency.ts";
import type { Limits } from "./bound/work-bound.ts";
import { workBound } from "./bound/work-bound.ts";
import { checkOptions, faultOf } from "./check-options.ts";
import { costLines } from "./cost-lines.ts";
import type { PricingOptions } from "./options.ts";
import { dividedUp, scaled } from "./prices/decimal.ts";
import type { DatedPrices, Library } from "./prices/library-prices.ts";
import { priceLibrary } from "./prices/library-prices.ts";
import { ownFields, PriceBook } from "./prices/price-book.ts";
import { readPriceFields } from "./prices/price-fields.ts";
import type { Prices } from "./prices/price-table.ts";
import { pricesOfTier } from "./prices/service-tiers.ts";

const PICO_PER_NANO = 1_000n;
const PICO_DIGITS = 12;
const PICO_PER_USD = 1e12;
const FREE: Cost = { provider: 0n, billed: 0n, lines: [], priceVersion: "free" };
/** Vendors that moderate for nothing: https://platform.openai.com/docs/guides/moderation */
const FREE_MODERATION: readonly string[] = ["openai", "azure", "azure-openai"];

/**
 * Contributes `pricing`: what models cost, exactly, and the most that an attempt can cost. Prices come from the
 * application, from a price map it imports, and from the data of `@pydantic/genai-prices`; nothing is fetched.
 *
 * @throws {GatewayError} `option_invalid` naming the option; at start `deployment_invalid` for a deployment whose own
 * price is none
 */
export function pricing(options: PricingOptions = {}): Plugin {
  checkOptions(options);
  const library = priceLibrary();
  const book = new ModelPricing(options, library);
  const warnings = warningsOf(options.priceMap);
  return {
    name: "pricing",
    pricing: book,
    start(container) {
      if (container.isRegistered(MODEL_FACTS, true)) book.useFacts(container.resolve(MODEL_FACTS));
      if (container.isRegistered(MODEL_TABLE, true)) {
        for (const deployment of container.resolve(MODEL_TABLE).all()) {
          checkDeployment(deployment);
          library.prepare(deployment.provider);
        }
      }
    },
    check: () => ({ ok: true, ...(warnings !== undefined && { detail: warnings }) }),
  };
}

/** Prices of the deployments of one gateway. */
class ModelPricing implements Pricing {
  readonly #billing: Billing;
  readonly #currencies: Currencies;
  readonly #now: () => number;
  readonly #hostedToolsCap: bigint | undefined;
  readonly #webSearchPrice: bigint | undefined;
  readonly #limits = new WeakMap<Deployment, Limits>();
  readonly #book: PriceBook;
  #facts: (deployment: Deployment) => ModelFacts = ({ info }) => info ?? {};

  constructor(options: PricingOptions, library: Library) {
    this.#billing = new Billing(options);
    this.#now = options.now ?? Date.now;
    this.#currencies = currencies(options.currencies, this.#now);
    this.#hostedToolsCap = picoOf(options.hostedToolsCap);
    this.#webSearchPrice = picoOf(options.webSearchPrice);
    this.#book = new PriceBook(options, library.lookup);
  }

  useFacts(facts: (deployment: Deployment) => ModelFacts): void {
    this.#facts = facts;
  }

  bound(work: PricedWork): NanoUsd | undefined {
    if (isFree(work)) return 0n;
    const { deployment } = work;
    const found = this.#book.find(deployment);
    if (found === undefined) return undefined;
    let highest: bigint | undefined;
    for (const table of found.soon(this.#now())) {
      const prices = table.free ? table.prices : pricesOfTier(table, tierOf(work));
      if (prices === undefined) return undefined;
      const limits = this.#limitsOf(deployment, found);
      const pico = table.free ? 0n : workBound(work, prices, limits, this.#hostedToolsCap);
      if (pico === undefined) return undefined;
      if (highest === undefined || pico > highest) highest = pico;
    }
    if (highest === undefined) return undefined;
    return this.#billing.bill(deployment.provider, dividedUp(highest, PICO_PER_NANO)).billed;
  }

  cost(work: PricedWork, usage: Usage): Cost | undefined {
    const { deployment } = work;
    const { reportedCost } = usage;
    if (reportedCost !== undefined && reportedCost >= 0n) {
      const line = { kind: "reported", units: 1, picoUsdPerUnit: reportedCost * PICO_PER_NANO };
      const bill = this.#billing.bill(deployment.provider, reportedCost);
      return { provider: reportedCost, ...bill, lines: [line], priceVersion: "reported" };
    }
    if (isFree(work)) return FREE;
    const table = this.#book.find(deployment)?.at(this.#now());
    if (table === undefined) return undefined;
    if (table.free)
      return { provider: 0n, ...this.#billing.bill(deployment.provider, 0n), lines: [], priceVersion: "free" };
    const tier = tierOf(work);
    const prices = pricesOfTier(table, tier);
    const lines = prices === undefined ? undefined : costLines(work, usage, prices, this.#webSearchPrice);
    if (lines === undefined) return undefined;
    const provider = dividedUp(picoOfLines(lines), PICO_PER_NANO);
    const special = tier !== undefined && table.tiers?.[tier] !== undefined;
    const priceVersion = special ? `${table.version} ${tier}` : table.version;
    const bill = this.#billing.bill(deployment.provider, provider);
    const plain = prices === undefined ? undefined : this.#withoutCache(work, usage, prices);
    return {
      provider,
      ...bill,
      ...(plain !== undefined && { cacheSavings: plain - bill.billed }),
      lines,
      priceVersion,
    };
  }

  /** What would be billed had nothing been read from the provider's cache, or written to it. */
  #withoutCache(work: PricedWork, usage: Usage, prices: Prices): NanoUsd | undefined {
    const { cacheReadTokens: read = 0, cacheWriteTokens: write = 0, cacheWrite1hTokens: write1h = 0, ...rest } = usage;
    if (read <= 0 && write <= 0 && write1h <= 0) return undefined;
    const lines = costLines(work, rest, prices, this.#webSearchPrice);
    if (lines === undefined) return undefined;
    return this.#billing.bill(work.deployment.provider, dividedUp(picoOfLines(lines), PICO_PER_NANO)).billed;
  }

  convert(amount: NanoUsd, currency: string, at?: number): ConvertedAmount {
    return this.#currencies.convert(amount, currency, at);
  }

  perToken(deployment: Deployment): { readonly input: number; readonly output: number } | undefined {
    const table = this.#book.find(deployment)?.at(this.#now());
    if (table === undefined) return undefined;
    if (table.free) return { input: 0, output: 0 };
    const { input, output } = table.prices;
    if (input === undefined || output === undefined) return undefined;
    return { input: Number(input.pico) / PICO_PER_USD, output: Number(output.pico) / PICO_PER_USD };
  }

  #limitsOf(deployment: Deployment, found: DatedPrices): Limits {
    let limits = this.#limits.get(deployment);
    if (limits === undefined) {
      const { maxInputTokens, maxOutputTokens } = this.#facts(deployment);
      const { contextWindow, maxOutputTokens: listedMaxOutputTokens } = found;
      limits = {
        ...(maxInputTokens !== undefined && { maxInputTokens }),
        ...(maxOutputTokens !== undefined && { maxOutputTokens }),
        ...(contextWindow !== undefined && { contextWindow }),
        ...(listedMaxOutputTokens !== undefined && { listedMaxOutputTokens }),
      };
      this.#limits.set(deployment, limits);
    }
    return limits;
  }
}

/** Counting tokens costs nothing anywhere; moderation at those who say so. */
function isFree({ operation, deployment }: PricedWork): boolean {
  return operation === "countTokens" || (operation === "moderate" && FREE_MODERATION.includes(deployment.provider));
}

/** What `tierOf` reads of requests and results. */
interface Tiered {
  readonly serviceTier?: string;
  readonly extra?: Extra;
}

/** The tier in which the provider says it ran, else the one that was asked for. */
function tierOf(work: PricedWork): string | undefined {
  const { result, request } = work as { readonly result?: Tiered; readonly request: Tiered };
  const { extraBody } = work.deployment;
  const anthropic = request.extra?.["anthropic"];
  // these multiply prices, at whatever tier: https://platform.claude.com/docs/en/about-claude/pricing
  if ((anthropic?.["speed"] ?? extraBody?.["speed"]) === "fast") return "fast";
  if ((anthropic?.["inference_geo"] ?? extraBody?.["inference_geo"]) === "us") return "us";
  const chosen = extraBody?.["service_tier"];
  return result?.serviceTier ?? (typeof chosen === "string" ? chosen : request.serviceTier);
}

function picoOfLines(lines: readonly CostLine[]): bigint {
  let pico = 0n;
  for (const { units, picoUsdPerUnit } of lines) pico += BigInt(units) * picoUsdPerUnit;
  return pico;
}

function picoOf(value: number | string | undefined): bigint | undefined {
  return value === undefined ? undefined : scaled(value, PICO_DIGITS);
}

function checkDeployment(deployment: Deployment): void {
  const fields = ownFields(deployment);
  const fault = fields === undefined ? undefined : faultOf(fields);
  if (fault === undefined) return;
  throw new GatewayError("deployment_invalid", `deployment ${JSON.stringify(deployment.id)}: ${fault}`, {
    param: "info",
    source: "pricing",
  });
}

const MOST_NAMED = 5;

/** Price fields of an imported map that are not understood: its models are priced without them. */
function warningsOf(priceMap: PricingOptions["priceMap"]): string | undefined {
  if (priceMap === undefined) return undefined;
  const unknown = new Set<string>();
  for (const [model, entry] of Object.entries(priceMap)) {
    if (model === "sample_spec" || typeof entry !== "object" || entry === null) continue;
    const read = readPriceFields(entry as Readonly<Record<string, unknown>>);
    for (const field of [...read.unknown, ...read.invalid]) unknown.add(field);
  }
  if (unknown.size === 0) return undefined;
  const named = [...unknown].slice(0, MOST_NAMED).join(", ");
  const more = unknown.size > MOST_NAMED ? ` and ${unknown.size - MOST_NAMED} more` : "";
  return `price fields of the price map that are not used: ${named}${more}`;
}
