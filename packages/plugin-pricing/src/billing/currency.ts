import type { ConvertedAmount, NanoUsd } from "@signalbox/kernel";
import { GatewayError } from "@signalbox/kernel";
import { checkRates } from "../check-options.ts";
import type { ExchangeRate } from "../options.ts";
import { dividedUp, scaled } from "../prices/decimal.ts";

/** An amount in another currency, with the rate that made it. */
export type Converted = ConvertedAmount;

/** Amounts of US dollars in other currencies. */
export interface Currencies {
  /**
   * By the rate of that day (epoch milliseconds, default now), which is the last one on or before it.
   * @throws {GatewayError} `invalid_request` when there is no rate
   */
  convert(amount: NanoUsd, currency: string, at?: number): Converted;
  /** `"ZAR 12.34"`: with as many decimals as asked for, default 2, rounded half up. */
  format(amount: NanoUsd, currency: string, options?: { readonly at?: number; readonly decimals?: number }): string;
}

const RATE_DIGITS = 12;
const RATE_UNIT = 10n ** BigInt(RATE_DIGITS);
const NANO_DIGITS = 9;

/**
 * Conversion by dated rates: `currencies({ ZAR: [{ date: "2026-11-20", perUsd: "17.25" }] })`. US dollars need none.
 * @throws {GatewayError} `option_invalid` naming a currency whose rates are none
 */
export function currencies(
  rates: Readonly<Record<string, readonly ExchangeRate[]>> = {},
  now: () => number = Date.now,
): Currencies {
  checkRates(rates);
  function convert(amount: NanoUsd, currency: string, at: number = now()): Converted {
    const day = new Date(at).toISOString().slice(0, 10);
    if (currency === "USD") return { currency, nano: amount, date: day, perUsd: "1" };
    const known = Object.hasOwn(rates, currency) ? (rates[currency] ?? []) : [];
    let rate: ExchangeRate | undefined;
    for (const each of known) {
      if (each.date <= day && (rate === undefined || each.date > rate.date)) rate = each;
    }
    if (rate === undefined) {
      throw new GatewayError("invalid_request", `there is no exchange rate for ${JSON.stringify(currency)} on ${day}`, {
        param: "currency",
        source: "pricing",
      });
    }
    const product = amount * (scaled(rate.perUsd, RATE_DIGITS) ?? 0n);
    const nano = product < 0n ? product / RATE_UNIT : dividedUp(product, RATE_UNIT);
    return { currency, nano, date: rate.date, perUsd: String(rate.perUsd) };
  }

  return {
    convert,
    format(amount, currency, { at, decimals = 2 } = {}) {
      const kept = Math.min(Math.max(Math.trunc(decimals), 0), NANO_DIGITS);
      const { nano } = convert(amount, currency, at);
      const unit = 10n ** BigInt(NANO_DIGITS - kept);
      const size = nano < 0n ? -nano : nano;
      const digits = ((size + unit / 2n) / unit).toString().padStart(kept + 1, "0");
      const whole = digits.slice(0, digits.length - kept);
      const fraction = kept === 0 ? "" : `.${digits.slice(-kept)}`;
      return `${currency} ${nano < 0n ? "-" : ""}${whole}${fraction}`;
    },
  };
}
