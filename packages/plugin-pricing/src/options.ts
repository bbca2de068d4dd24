import type { PriceFields } from "./prices/price-fields.ts";

/** What is taken off or put on the provider's cost. */
export interface Margin {
  /** Of the cost after the discount: `10` is a tenth. */
  readonly percent?: number | string;
  /** US dollars for each attempt that is billed. */
  readonly fixed?: number | string;
}

/** US dollars in units of another currency, from a day on. */
export interface ExchangeRate {
  /** `2026-11-20`, in UTC. */
  readonly date: string;
  /** How much of the currency one US dollar is: `"17.25"`. */
  readonly perUsd: number | string;
}

/** Where prices come from, and what is added to them. */
export interface PricingOptions {
  /**
   * Prices of one's own, by `provider/upstream model`, upstream model, public model or deployment id; a `*` at the end
   * stands for any rest. They replace all other prices of the model.
   */
  readonly prices?: Readonly<Record<string, PriceFields>>;
  /** A price map in LiteLLM's format, used before the price data of this package. */
  readonly priceMap?: Readonly<Record<string, unknown>>;
  /** Stands in the price version of what the map priced: `"2026-11-20"`. */
  readonly priceMapVersion?: string;
  /** `provider/model` patterns that cost nothing. Default: local servers, by the provider's name. */
  readonly free?: readonly string[];
  /** Percent off, by provider's name or `global`. */
  readonly discounts?: Readonly<Record<string, number | string>>;
  /** By provider's name or `global`. */
  readonly margins?: Readonly<Record<string, Margin>>;
  /** US dollars that tools run by the provider may add to one call at most. Without it such calls have no bound. */
  readonly hostedToolsCap?: number | string;
  /** US dollars for a web search at a model whose price for it is unknown. */
  readonly webSearchPrice?: number | string;
  /** Rates of other currencies, by code: `{ ZAR: [{ date: "2026-11-20", perUsd: "17.25" }] }`. */
  readonly currencies?: Readonly<Record<string, readonly ExchangeRate[]>>;
  /** Epoch milliseconds. Default `Date.now`. */
  readonly now?: () => number;
}
