/** What has a price of its own. Tokens, unless said otherwise. */
export type PriceKind =
  | "input"
  | "cacheRead"
  | "cacheReadAudio"
  | "cacheReadImage"
  | "cacheWrite"
  | "cacheWrite1h"
  | "output"
  | "reasoning"
  | "inputAudio"
  | "outputAudio"
  | "inputImage"
  | "outputImage"
  /** Each call. */
  | "request"
  /** Each search of the web by the provider, whatever it reads; the others where that decides. */
  | "webSearch"
  | "webSearchLow"
  | "webSearchMedium"
  | "webSearchHigh"
  /** Each search of files by the provider. */
  | "fileSearch"
  /** Each container in which the provider runs code. */
  | "codeSession"
  /** Each page of a document that is read, and for its annotation. */
  | "page"
  | "annotatedPage"
  /** Tokens of cited sources. */
  | "citation"
  /** Each query of a rerank. */
  | "query"
  /** Each picture that comes out. */
  | "image"
  /** Each of its pixels. */
  | "pixel"
  /** Each character of a text to be spoken. */
  | "character"
  /** Each second of a recording. */
  | "second";

/** A price from a number of input tokens on. */
export interface PriceStep {
  /** It holds for the whole request when its input has more tokens than this. */
  readonly above: number;
  readonly pico: bigint;
}

/** What one unit costs, in 10⁻¹² US dollars. */
export interface Price {
  readonly pico: bigint;
  /** Ascending. */
  readonly steps?: readonly PriceStep[];
}

/** Prices by kind. A kind that is missing is unknown. */
export type Prices = { readonly [Kind in PriceKind]?: Price };

/** The prices of one model at one provider. */
export interface PriceTable {
  /** Where they come from, and of when. */
  readonly version: string;
  readonly prices: Prices;
  /** Prices of a service tier, where they differ: `flex`, `priority`, `batch`. */
  readonly tiers?: Readonly<Record<string, Prices>>;
  /** Nobody charges anything: a server of one's own. */
  readonly free?: boolean;
}

/** The price of one unit in a request with so many input tokens. The whole request is priced at one step. */
export function priceAt(price: Price, inputTokens: number): bigint {
  if (price.steps === undefined) return price.pico;
  let pico = price.pico;
  for (const step of price.steps) {
    if (inputTokens > step.above) pico = step.pico;
  }
  return pico;
}

/** The highest price of one unit in a request with up to so many input tokens. */
export function highestPrice(price: Price, mostInputTokens: number): bigint {
  let pico = price.pico;
  for (const step of price.steps ?? []) {
    if (mostInputTokens > step.above && step.pico > pico) pico = step.pico;
  }
  return pico;
}
