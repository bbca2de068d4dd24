export type { Converted, Currencies } from "./billing/currency.ts";
export { currencies } from "./billing/currency.ts";
export type { ExchangeRate, Margin, PricingOptions } from "./options.ts";
export type { PriceFields } from "./prices/price-fields.ts";
export { pricing } from "./pricing.ts";
