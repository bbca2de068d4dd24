import type { Cost, NanoUsd } from "@signalbox/kernel";
import type { PricingOptions } from "../options.ts";
import { dividedUp, scaled } from "../prices/decimal.ts";

interface Terms {
  /** Millionths of a percent. */
  readonly discount: bigint;
  readonly margin: bigint;
  readonly fixed: NanoUsd;
}

const PERCENT_DIGITS = 6;
const WHOLE = 100n * 10n ** BigInt(PERCENT_DIGITS);
const NANO_DIGITS = 9;

/** Turns what providers charge into what budgets are charged: first the discount, then the margin on what is left. */
export class Billing {
  readonly #options: PricingOptions;
  readonly #terms = new Map<string, Terms | undefined>();

  constructor(options: PricingOptions) {
    this.#options = options;
  }

  bill(provider: string, cost: NanoUsd): Pick<Cost, "billed" | "discount" | "margin"> {
    const terms = this.#termsOf(provider);
    if (terms === undefined) return { billed: cost };
    const discount = (cost * terms.discount) / WHOLE;
    const left = cost - discount;
    const margin = dividedUp(left * terms.margin, WHOLE) + terms.fixed;
    return { billed: left + margin, ...(discount > 0n && { discount }), ...(margin > 0n && { margin }) };
  }

  /** A provider's own terms replace the global ones. */
  #termsOf(provider: string): Terms | undefined {
    if (this.#terms.has(provider)) return this.#terms.get(provider);
    const discount = ownOrGlobal(this.#options.discounts, provider);
    const margin = ownOrGlobal(this.#options.margins, provider);
    const terms =
      discount === undefined && margin === undefined
        ? undefined
        : {
            discount: scaled(discount ?? 0, PERCENT_DIGITS) ?? 0n,
            margin: scaled(margin?.percent ?? 0, PERCENT_DIGITS) ?? 0n,
            fixed: scaled(margin?.fixed ?? 0, NANO_DIGITS) ?? 0n,
          };
    this.#terms.set(provider, terms);
    return terms;
  }
}

function ownOrGlobal<Value>(values: Readonly<Record<string, Value>> | undefined, name: string): Value | undefined {
  if (values === undefined) return undefined;
  if (Object.hasOwn(values, name)) return values[name];
  return Object.hasOwn(values, "global") ? values["global"] : undefined;
}
