import type { ChatRequest, CompleteRequest, ModelFacts, PricedWork } from "@signalbox/kernel";
import { audioApart, DOCUMENTS_PER_SEARCH, isWork, pixelsOf } from "../cost-lines.ts";
import { modelNameOf } from "../prices/base-model.ts";
import { kindPrice } from "../prices/kind-price.ts";
import type { PriceKind, Prices } from "../prices/price-table.ts";
import { highestPrice } from "../prices/price-table.ts";
import type { InputBound } from "./input-bound.ts";
import { inputBound } from "./input-bound.ts";
import { audioTokens, secondsIn } from "./media-tokens.ts";
import { textBytes, valueBytes } from "./value-bytes.ts";

/** What bounds a model. */
export interface Limits extends Pick<ModelFacts, "maxInputTokens" | "maxOutputTokens"> {
  readonly contextWindow?: number;
  /** What a price map says; it may be out of date, and takes nothing from what a request asks for. */
  readonly listedMaxOutputTokens?: number;
}

/** How much work there is at most, and by which prices. */
interface MostWork {
  readonly inputTokens: number;
  readonly inputKinds: readonly PriceKind[];
  /** Undefined: nothing bounds it. */
  readonly outputTokens: number | undefined;
  readonly outputKinds: readonly PriceKind[];
  /** Units besides tokens. */
  readonly units?: { readonly kind: PriceKind; readonly count: number };
  /** It may cost what only a cap bounds. */
  readonly hosted?: boolean;
}

const TOKENS_PER_INPUT = 16;
/** Cohere cuts documents into pieces of 500 tokens: https://cohere.com/pricing */
const TOKENS_PER_PIECE = 500;
/** 6,240 tokens for 1,024 × 1,536 pixels in high quality, and 100 for each partial picture. */
const IMAGE_1_TOKENS = 6_240;
/** gpt-image-2 paints up to 3,840 × 2,160 pixels, 5.3 times as many. */
const LARGEST_IMAGE_TOKENS = 40_000;
const PARTIAL_IMAGE_TOKENS = 100;
const INPUT_IMAGE_TOKENS = 10_000;
/** Vendors whose limit of output tokens includes reasoning. */
const REASONING_WITHIN = /claude|gemini|gpt-|^o\d|grok|deepseek/i;
const TEXT_OUT: readonly PriceKind[] = ["output", "reasoning"];
const NOTHING_OUT: readonly PriceKind[] = [];

/** The most that some work can cost, in pico-dollars; undefined: a price is unknown, or nothing bounds it. */
export function workBound(
  work: PricedWork,
  prices: Prices,
  limits: Limits,
  hostedToolsCap: bigint | undefined,
): bigint | undefined {
  const most = mostWork(work, prices, limits);
  if (most === undefined) return undefined;
  const { inputTokens, inputKinds, outputTokens, outputKinds, units, hosted = false } = most;
  let bound = 0n;

  const unitPrice = units === undefined ? undefined : prices[units.kind];
  if (units !== undefined && unitPrice !== undefined) {
    bound += BigInt(units.count) * highestPrice(unitPrice, inputTokens);
  }
  if (prices.input === undefined) {
    // billed by units or by the call alone
    if (unitPrice === undefined && prices.request === undefined) return undefined;
  } else {
    if (outputTokens === undefined) return undefined;
    const inputPrice = highestOf(prices, inputKinds, inputTokens);
    const outputPrice = outputTokens === 0 ? 0n : highestOf(prices, outputKinds, inputTokens);
    if (inputPrice === undefined || outputPrice === undefined) return undefined;
    bound += BigInt(inputTokens) * inputPrice + BigInt(outputTokens) * outputPrice;
  }
  if (prices.request !== undefined) bound += highestPrice(prices.request, inputTokens);
  if (hosted) {
    if (hostedToolsCap === undefined) return undefined;
    bound += hostedToolsCap;
  }
  return bound;
}

function highestOf(prices: Prices, kinds: readonly PriceKind[], inputTokens: number): bigint | undefined {
  let highest: bigint | undefined;
  for (const kind of kinds) {
    const price = kindPrice(prices, kind);
    if (price === undefined) return undefined;
    const pico = highestPrice(price, inputTokens);
    if (highest === undefined || pico > highest) highest = pico;
  }
  return highest;
}

function mostWork(work: PricedWork, prices: Prices, limits: Limits): MostWork | undefined {
  if (isWork(work, "chat")) return mostChat(work, work.request, prices, limits);
  if (isWork(work, "complete")) return mostCompletion(work, work.request, limits);
  if (isWork(work, "embed")) {
    let tokens = 0;
    for (const input of work.request.inputs) tokens += tokensOf(input) + TOKENS_PER_INPUT;
    return onlyInput(tokens);
  }
  if (isWork(work, "moderate")) {
    let tokens = 0;
    for (const parts of work.request.inputs) tokens += partsTokens(parts, work);
    return onlyInput(tokens);
  }
  if (isWork(work, "rerank")) {
    const query = textBytes(work.request.query) + TOKENS_PER_INPUT;
    let tokens = 0;
    let pieces = 0;
    for (const document of work.request.documents) {
      const each = query + (typeof document === "string" ? textBytes(document) : valueBytes(document));
      tokens += each;
      pieces += Math.ceil(each / TOKENS_PER_PIECE);
    }
    const count = Math.max(1, Math.ceil(pieces / DOCUMENTS_PER_SEARCH));
    return { ...onlyInput(tokens), units: { kind: "query", count } };
  }
  if (isWork(work, "speak")) {
    const { text, instructions = "" } = work.request;
    return {
      inputTokens: textBytes(text) + textBytes(instructions) + TOKENS_PER_INPUT,
      inputKinds: ["input"],
      outputTokens: mostOutput(undefined, limits),
      outputKinds: [...TEXT_OUT, "outputAudio"],
      units: { kind: "character", count: [...text].length },
    };
  }
  if (isWork(work, "transcribe") || isWork(work, "translate")) {
    const { audio, prompt = "" } = work.request;
    const bytes = audio.data.length;
    return {
      inputTokens: audioTokens(bytes) + textBytes(prompt) + TOKENS_PER_INPUT,
      inputKinds: ["input", "inputAudio"],
      outputTokens: mostOutput(undefined, limits),
      outputKinds: TEXT_OUT,
      // ten seconds are the least that anybody bills
      units: { kind: "second", count: Math.max(10, secondsIn(bytes)) },
    };
  }
  if (isWork(work, "generateImage") || isWork(work, "editImage")) {
    const { prompt, count = 1, partialImages = 0 } = work.request;
    const pictures = isWork(work, "editImage") ? work.request.images.length + 1 : 0;
    const byPixel = prices.image === undefined && prices.pixel !== undefined;
    const pixels = byPixel ? pixelsOf(work.request.size) : undefined;
    if (byPixel && pixels === undefined) return undefined;
    const each = /gpt-image-1/.test(modelNameOf(work.deployment)) ? IMAGE_1_TOKENS : LARGEST_IMAGE_TOKENS;
    return {
      inputTokens: textBytes(prompt) + pictures * INPUT_IMAGE_TOKENS + TOKENS_PER_INPUT,
      inputKinds: pictures > 0 ? ["input", "inputImage"] : ["input"],
      outputTokens: count * (each + partialImages * PARTIAL_IMAGE_TOKENS),
      outputKinds: ["output", "outputImage"],
      units: pixels === undefined ? { kind: "image", count } : { kind: "pixel", count: pixels * count },
    };
  }
  return undefined;
}

function mostChat(work: PricedWork, request: ChatRequest, prices: Prices, limits: Limits): MostWork | undefined {
  const input = inputBound(request, work.deployment);
  const inputTokens = input.open ? (limits.maxInputTokens ?? limits.contextWindow) : input.tokens;
  if (inputTokens === undefined) return undefined;
  const audioOut = request.audio !== undefined || request.modalities?.includes("audio") === true;
  if (audioApart(work)) {
    if (input.audio && prices.inputAudio === undefined) return undefined;
    if (audioOut && prices.outputAudio === undefined) return undefined;
  }
  const outputKinds: PriceKind[] = [...TEXT_OUT];
  if (audioOut) outputKinds.push("outputAudio");
  if (prices.outputImage !== undefined) outputKinds.push("outputImage");
  const { maxOutputTokens, choiceCount = 1, reasoning, prediction } = request;
  let outputTokens = mostOutput(askedOutput(maxOutputTokens, work), limits);
  if (outputTokens !== undefined) {
    const apart = reasoning?.budgetTokens !== undefined && !REASONING_WITHIN.test(modelNameOf(work.deployment));
    if (apart) outputTokens += reasoning.budgetTokens;
    // what was predicted and not used is billed as output
    if (prediction !== undefined) outputTokens += valueBytes(prediction);
    outputTokens *= Math.max(1, choiceCount);
  }
  return {
    inputTokens: Math.max(inputTokens, input.tokens),
    inputKinds: inputKinds(input, modelNameOf(work.deployment)),
    outputTokens,
    outputKinds,
    hosted: input.hosted,
  };
}

/** The kinds as which the input may be billed. Nothing is taken to be in a cache already. */
function inputKinds({ audio, images, cacheWrite }: InputBound, model: string): readonly PriceKind[] {
  const kinds: PriceKind[] = ["input"];
  if (audio) kinds.push("inputAudio");
  if (images) kinds.push("inputImage");
  // Claude writes to caches when it is asked to; others do so by themselves, where they bill for it
  if (cacheWrite !== "none" || !/claude/i.test(model)) kinds.push("cacheWrite");
  if (cacheWrite === "long") kinds.push("cacheWrite1h");
  return kinds;
}

function mostCompletion(work: PricedWork, request: CompleteRequest, limits: Limits): MostWork {
  const { prompts, suffix = "", maxOutputTokens, choiceCount = 1, bestOf = 1 } = request;
  let tokens = 0;
  for (const prompt of prompts) tokens += tokensOf(prompt) + textBytes(suffix) + TOKENS_PER_INPUT;
  const each = mostOutput(askedOutput(maxOutputTokens, work), limits);
  const replies = prompts.length * Math.max(1, choiceCount, bestOf);
  return {
    inputTokens: tokens,
    inputKinds: ["input", "cacheWrite"],
    outputTokens: each === undefined ? undefined : each * replies,
    outputKinds: TEXT_OUT,
  };
}

function onlyInput(tokens: number): MostWork {
  return { inputTokens: tokens, inputKinds: ["input"], outputTokens: 0, outputKinds: NOTHING_OUT };
}

/** The least of what the request asks for and what the model can do, which is never more than its context. */
function mostOutput(asked: number | undefined, limits: Limits): number | undefined {
  const { maxOutputTokens, listedMaxOutputTokens, contextWindow } = limits;
  const can = maxOutputTokens ?? listedMaxOutputTokens ?? contextWindow;
  if (asked === undefined) return can;
  return maxOutputTokens === undefined ? asked : Math.min(asked, maxOutputTokens);
}

const OUTPUT_MEMBERS = ["max_tokens", "max_completion_tokens", "max_output_tokens"];

/** What the request asks for, or the deployment in its place. */
function askedOutput(asked: number | undefined, { deployment }: PricedWork): number | undefined {
  const { extraBody } = deployment;
  if (extraBody === undefined) return asked;
  let most = asked;
  for (const member of OUTPUT_MEMBERS) {
    const value = extraBody[member];
    if (typeof value === "number" && value > (most ?? 0)) most = value;
  }
  return most;
}

function tokensOf(input: string | readonly number[]): number {
  return typeof input === "string" ? textBytes(input) : input.length;
}

function partsTokens(parts: ChatRequest["messages"][number]["content"], work: PricedWork): number {
  const chat: ChatRequest = { model: "", messages: [{ role: "user", content: parts }] };
  return inputBound(chat, work.deployment).tokens;
}
