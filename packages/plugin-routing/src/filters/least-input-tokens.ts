import type { Call, Part } from "@signalbox/kernel";
import { isCall } from "@signalbox/kernel";

/**
 * UTF-16 code units that a token holds on average, at the very most. Byte-pair vocabularies of today come to 4 or 5 in
 * English prose, and to fewer in code and in all other languages: 6 is not reached by any text that is not made for it.
 */
const MOST_UNITS_PER_TOKEN = 6;
const SPACE = 0x20;

/**
 * Tokens of input that a call has at least; 0 where nothing can be said. Counts text alone: pictures, sounds, files
 * and definitions of tools come on top. Not a guess but a bound: a model whose window is smaller refuses the call.
 *
 * @param threshold the exact bound is only worked out when the rough one is above it
 */
export function leastInputTokens(call: Call, threshold: number): number {
  const rough = sumOf(call, textUnits);
  return rough <= threshold ? rough : sumOf(call, unitsOutsideRuns);
}

function textUnits(text: string): number {
  return text.length;
}

/** White space and repetitions, of which a vocabulary may hold long runs as one token, count as one unit each. */
function unitsOutsideRuns(text: string): number {
  let units = 0;
  let before = -1;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    const unit = Math.max(code, SPACE);
    if (unit !== before) units += 1;
    before = unit;
  }
  return units;
}

function sumOf(call: Call, units: (text: string) => number): number {
  if (isCall(call, "chat")) {
    let sum = 0;
    for (const { content } of call.request.messages) sum += partsUnits(content, units);
    return Math.floor(sum / MOST_UNITS_PER_TOKEN);
  }
  if (isCall(call, "complete")) return longest(call.request.prompts, units);
  if (isCall(call, "embed")) return longest(call.request.inputs, units);
  return 0;
}

/** Every input is a request of its own to the model. */
function longest(inputs: readonly (string | readonly number[])[], units: (text: string) => number): number {
  let most = 0;
  for (const input of inputs) {
    const tokens = typeof input === "string" ? Math.floor(units(input) / MOST_UNITS_PER_TOKEN) : input.length;
    if (tokens > most) most = tokens;
  }
  return most;
}

function partsUnits(parts: readonly Part[], units: (text: string) => number): number {
  let sum = 0;
  for (const part of parts) {
    switch (part.type) {
      case "text":
      case "refusal":
        sum += units(part.text);
        break;
      case "toolCall":
        sum += units(part.arguments);
        break;
      case "toolResult":
        sum += partsUnits(part.content, units);
        break;
      case "document":
        if (part.source.type === "text") sum += units(part.source.text);
        break;
      default:
        break;
    }
  }
  return sum;
}
