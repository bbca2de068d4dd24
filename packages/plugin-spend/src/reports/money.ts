import type { NanoUsd, Pricing } from "@signalbox/kernel";
import { formatUsd, GatewayError } from "@signalbox/kernel";

/** Values of one row, as JSON and as CSV have them. */
export type Fields = Readonly<Record<string, string | number | null>>;

/**
 * Writes amounts: US dollars as a number, nano-dollars as text beside it, and, where one is asked for, another currency by
 * the rate of the row's day.
 */
export class Money {
  readonly currency: string | undefined;
  readonly #pricing: Pricing | undefined;

  /** @throws {GatewayError} `invalid_request` when there are no rates at all */
  constructor(pricing: Pricing | undefined, currency: string | undefined) {
    if (currency !== undefined && currency !== "USD" && pricing?.convert === undefined) {
      throw new GatewayError("invalid_request", `there is no exchange rate for ${JSON.stringify(currency)}`, {
        param: "currency",
      });
    }
    this.#pricing = pricing;
    this.currency = currency === "USD" ? undefined : currency;
  }

  /** `at`: epoch milliseconds; whose day's rate holds. */
  of(name: string, amount: NanoUsd, at: number): Fields {
    const usd = { [name]: usdOf(amount), [`${name}_nano`]: `${amount}` };
    const converted = this.currency === undefined ? undefined : this.#pricing?.convert?.(amount, this.currency, at);
    if (converted === undefined) return usd;
    return {
      ...usd,
      [`${name}_in_currency`]: usdOf(converted.nano),
      currency: converted.currency,
      exchange_rate: converted.perUsd,
      exchange_date: converted.date,
    };
  }
}

/** US dollars as a number with up to nine decimals. */
export function usdOf(amount: NanoUsd): number {
  return Number(formatUsd(amount));
}
