import type { Deployment } from "./deployment.ts";
import type { NanoUsd } from "./money.ts";
import type { OperationName, RequestOf, ResultOf } from "./operation.ts";
import type { Usage } from "./usage.ts";

/** What is priced: an attempt, or anything like it. */
export interface PricedWork<Name extends OperationName = OperationName> {
  readonly deployment: Deployment;
  readonly operation: Name;
  readonly request: RequestOf<Name>;
  /** What came out, where it is there: some things are billed by seconds, pictures or searches, which usage does not have. */
  readonly result?: ResultOf<Name>;
}

/** One kind of work in a cost: `{ kind: "cacheRead", units: 1_024, picoUsdPerUnit: 300_000n }`. */
export interface CostLine {
  readonly kind:
    | "input"
    | "cacheRead"
    | "cacheWrite"
    | "cacheWrite1h"
    | "output"
    | "reasoning"
    | "inputAudio"
    | "outputAudio"
    | "inputImage"
    | "outputImage"
    | "request"
    | "webSearch"
    | (string & {});
  readonly units: number;
  /** 10⁻¹² US dollars: prices are not always whole nano-dollars per token. */
  readonly picoUsdPerUnit: bigint;
}

/** What something costs, and how that was computed. */
export interface Cost {
  /** What the provider charges: the lines added up, then rounded up to nano-dollars once. */
  readonly provider: NanoUsd;
  /** What budgets are charged: after discount and margin. */
  readonly billed: NanoUsd;
  readonly discount?: NanoUsd;
  readonly margin?: NanoUsd;
  /**
   * What would have been billed without the provider's prompt cache, minus what is billed. Below zero where more was paid
   * for writing than saved by reading. Only where something was read or written.
   */
  readonly cacheSavings?: NanoUsd;
  readonly lines: readonly CostLine[];
  /** Where the prices come from, and of when: a wrong price can be corrected later. */
  readonly priceVersion: string;
}

/** An amount in another currency, with the rate that made it. */
export interface ConvertedAmount {
  readonly currency: string;
  /** 10⁻⁹ of the currency's unit, rounded up. */
  readonly nano: bigint;
  /** The day since which the rate holds. */
  readonly date: string;
  /** How much of the currency one US dollar is. */
  readonly perUsd: string;
}

/** Knows what models cost. Undefined always means "unknown", never "nothing". */
export interface Pricing {
  /** The most that one attempt can cost; undefined when the price is unknown or nothing bounds it. */
  bound(work: PricedWork): NanoUsd | undefined;
  cost(work: PricedWork, usage: Usage): Cost | undefined;
  /**
   * An amount in another currency, by the rate of a day (epoch milliseconds, default now).
   * @throws {GatewayError} `invalid_request` when there is no rate
   */
  convert?(amount: NanoUsd, currency: string, at?: number): ConvertedAmount;
  /** US dollars for one token of input and of output, for routers that compare. */
  perToken(deployment: Deployment): { readonly input: number; readonly output: number } | undefined;
}
