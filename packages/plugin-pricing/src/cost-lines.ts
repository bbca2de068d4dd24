import type { CostLine, OperationName, PricedWork, RequestOf, ResultOf, Usage } from "@signalbox/kernel";
import { kindPrice } from "./prices/kind-price.ts";
import type { Price, PriceKind, Prices } from "./prices/price-table.ts";
import { priceAt } from "./prices/price-table.ts";

/** Cohere counts a query with up to 100 documents as one search: https://cohere.com/pricing */
export const DOCUMENTS_PER_SEARCH = 100;
/** Groq bills at least ten seconds of a recording: https://console.groq.com/docs/speech-to-text */
const GROQ_LEAST_SECONDS = 10;
/** Vendors whose models price sound apart from text, always: without that price nothing is known. */
const AUDIO_APART: readonly string[] = ["openai", "azure", "azure-openai"];

/** What is billed besides tokens and calls. */
const BESIDE = [
  ["fileSearch", "fileSearchCalls"],
  ["codeSession", "codeSessions"],
  ["page", "pages"],
  ["annotatedPage", "annotatedPages"],
  ["citation", "citationTokens"],
] as const satisfies readonly (readonly [PriceKind, keyof Usage])[];
const SEARCH_KINDS: Readonly<Record<string, PriceKind>> = {
  low: "webSearchLow",
  medium: "webSearchMedium",
  high: "webSearchHigh",
};

/** A count as a whole number; undefined: it is none. */
function whole(count: number | undefined): number | undefined {
  if (count === undefined) return 0;
  return Number.isSafeInteger(Math.ceil(count)) ? Math.max(0, Math.ceil(count)) : undefined;
}

/** The units of each kind that a usage is made of, none of them counted twice. Undefined: it makes no sense. */
function partitions(usage: Usage): readonly (readonly [PriceKind, number])[] | undefined {
  const input = whole(usage.inputTokens);
  const output = whole(usage.outputTokens);
  const read = whole(usage.cacheReadTokens);
  const write = whole(usage.cacheWriteTokens);
  const write1h = whole(usage.cacheWrite1hTokens);
  const audio = whole(usage.inputAudioTokens);
  const image = whole(usage.inputImageTokens);
  const reasoning = whole(usage.reasoningTokens);
  const audioOut = whole(usage.outputAudioTokens);
  const imageOut = whole(usage.outputImageTokens);
  if (input === undefined || output === undefined || read === undefined || write === undefined) return undefined;
  if (write1h === undefined || audio === undefined || image === undefined || reasoning === undefined) return undefined;
  if (audioOut === undefined || imageOut === undefined) return undefined;

  // what is read from a cache may be sound or pictures: then two fields count it
  const fresh = Math.max(0, input - read - write - write1h);
  const freshAudio = Math.min(audio, fresh);
  const freshImage = Math.min(image, fresh - freshAudio);
  const readAudio = Math.min(audio - freshAudio, read);
  const readImage = Math.min(image - freshImage, read - readAudio);
  // and reasoning aloud is still only output
  const spoken = Math.min(audioOut, output);
  const painted = Math.min(imageOut, output - spoken);
  const thought = Math.min(reasoning, output - spoken - painted);
  return [
    ["input", fresh - freshAudio - freshImage],
    ["inputAudio", freshAudio],
    ["inputImage", freshImage],
    ["cacheRead", read - readAudio - readImage],
    ["cacheReadAudio", readAudio],
    ["cacheReadImage", readImage],
    ["cacheWrite", write],
    ["cacheWrite1h", write1h],
    ["output", output - spoken - painted - thought],
    ["reasoning", thought],
    ["outputAudio", spoken],
    ["outputImage", painted],
  ];
}

/** What a piece of work is made of, with its prices. Undefined: a price is unknown. */
export function costLines(
  work: PricedWork,
  usage: Usage,
  prices: Prices,
  webSearchPrice: bigint | undefined,
): CostLine[] | undefined {
  const parts = partitions(usage);
  if (parts === undefined) return undefined;
  const inputTokens = Math.max(0, usage.inputTokens);
  const lines: CostLine[] = [];

  const unit = unitOf(work, prices);
  const unitPrice = unit === undefined ? undefined : prices[unit];
  if (unit !== undefined && unitPrice !== undefined && (prices.input === undefined || !hasTokens(usage))) {
    const units = unitsOf(work, unit);
    if (units === undefined) return undefined;
    if (units > 0) lines.push({ kind: unit, units, picoUsdPerUnit: priceAt(unitPrice, inputTokens) });
  } else if (prices.input === undefined && prices.output === undefined && !hasOtherPrice(prices)) {
    return undefined;
  } else {
    if (unit === "second" && !hasTokens(usage)) return undefined;
    for (const [kind, units] of parts) {
      if (units === 0) continue;
      if ((kind === "inputAudio" || kind === "outputAudio") && prices[kind] === undefined && audioApart(work)) {
        return undefined;
      }
      const price = kindPrice(prices, kind);
      if (price === undefined) return undefined;
      lines.push({ kind, units, picoUsdPerUnit: priceAt(price, inputTokens) });
    }
  }

  if (prices.request !== undefined) {
    lines.push({ kind: "request", units: 1, picoUsdPerUnit: priceAt(prices.request, inputTokens) });
  }
  const searches = whole(usage.webSearchCalls);
  if (searches === undefined) return undefined;
  if (searches > 0) {
    const own = searchPriceOf(work, prices);
    const price = own === undefined ? webSearchPrice : priceAt(own, inputTokens);
    if (price === undefined) return undefined;
    lines.push({ kind: "webSearch", units: searches, picoUsdPerUnit: price });
  }
  for (const [kind, field] of BESIDE) {
    const units = whole(usage[field]);
    if (units === undefined) return undefined;
    if (units === 0) continue;
    const price = prices[kind];
    if (price === undefined) return undefined;
    lines.push({ kind, units, picoUsdPerUnit: priceAt(price, inputTokens) });
  }
  return lines;
}

/** By the size of context that the request asks for; without one the highest. */
function searchPriceOf(work: PricedWork, prices: Prices): Price | undefined {
  if (prices.webSearch === undefined || !isWork(work, "chat")) return prices.webSearch;
  const options = work.request.extra?.["openai"]?.["web_search_options"] as
    | { readonly search_context_size?: unknown }
    | null
    | undefined;
  const kind = SEARCH_KINDS[String(options?.search_context_size)];
  return (kind === undefined ? undefined : prices[kind]) ?? prices.webSearch;
}

/** Of calls, or of what is billed beside tokens. */
function hasOtherPrice(prices: Prices): boolean {
  return prices.request !== undefined || BESIDE.some(([kind]) => prices[kind] !== undefined);
}

function hasTokens(usage: Usage): boolean {
  return usage.inputTokens > 0 || usage.outputTokens > 0;
}

/** Whether a price for text says nothing about sound. Models that only speak or listen have but one price. */
export function audioApart({ deployment, operation }: PricedWork): boolean {
  return operation === "chat" && AUDIO_APART.includes(deployment.provider);
}

type Unit = "query" | "image" | "pixel" | "character" | "second";

/** What an operation is billed by where it is not tokens. */
function unitOf({ operation }: PricedWork, prices: Prices): Unit | undefined {
  switch (operation) {
    case "rerank":
      return "query";
    case "generateImage":
    case "editImage":
      return prices.image === undefined && prices.pixel !== undefined ? "pixel" : "image";
    case "speak":
      return "character";
    case "transcribe":
    case "translate":
      return "second";
    default:
      return undefined;
  }
}

/** How many of them; undefined: unknown, since the result does not say. */
function unitsOf(work: PricedWork, unit: Unit): number | undefined {
  if (isWork(work, "rerank")) {
    return whole(work.result?.searchUnits) || Math.ceil(work.request.documents.length / DOCUMENTS_PER_SEARCH) || 1;
  }
  if (isWork(work, "generateImage") || isWork(work, "editImage")) {
    const pictures = whole(work.result?.images.length ?? work.request.count ?? 1);
    if (unit !== "pixel" || pictures === undefined) return pictures;
    const pixels = pixelsOf(work.request.size);
    return pixels === undefined ? undefined : pictures * pixels;
  }
  if (isWork(work, "speak")) return [...work.request.text].length;
  if (isWork(work, "transcribe") || isWork(work, "translate")) {
    const seconds = work.result?.durationSeconds;
    if (seconds === undefined) return undefined;
    const billed = work.deployment.provider === "groq" && seconds > 0 ? Math.max(seconds, GROQ_LEAST_SECONDS) : seconds;
    return whole(billed);
  }
  return undefined;
}

/** Of a picture of `1024x1024`; undefined: the size is the provider's choice. */
export function pixelsOf(size: string | undefined): number | undefined {
  const sides = /^(\d{1,5})x(\d{1,5})$/.exec(size ?? "");
  return sides === null ? undefined : Number(sides[1]) * Number(sides[2]);
}

/** Whether work is of this operation, for types. */
export function isWork<Name extends OperationName>(
  work: { readonly operation: OperationName },
  operation: Name,
): work is {
  readonly operation: Name;
  readonly request: RequestOf<Name>;
  readonly result?: ResultOf<Name>;
} & typeof work {
  return work.operation === operation;
}
