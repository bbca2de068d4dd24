import type { Call, ChatParameter, ChatRequest, ModelFacts, Part } from "@signalbox/kernel";
import { CHAT_PARAMETERS, isCall } from "@signalbox/kernel";

/** Something that a request needs and a model may be known not to have. One bit each. */
export interface Capability {
  readonly bit: number;
  readonly fact: keyof ModelFacts;
  /** `it does not take images` */
  readonly lack: string;
  /** The field that asks for it: it can be left out where parameters may be dropped. Content cannot. */
  readonly parameter?: ChatParameter;
}

const VISION = 1;
const AUDIO = 2;
const DOCUMENTS = 4;
const TOOLS = 8;
const SCHEMA = 16;
const REASONING = 32;
const CONTENT: number = VISION | AUDIO | DOCUMENTS;

export const CAPABILITIES: readonly Capability[] = [
  { bit: VISION, fact: "supportsVision", lack: "it does not take images" },
  { bit: AUDIO, fact: "supportsAudioInput", lack: "it does not take audio" },
  { bit: DOCUMENTS, fact: "supportsPdfInput", lack: "it does not take documents" },
  { bit: TOOLS, fact: "supportsFunctionCalling", lack: "it does not call tools", parameter: "tools" },
  {
    bit: SCHEMA,
    fact: "supportsResponseSchema",
    lack: "it does not answer by a JSON schema",
    parameter: "responseFormat",
  },
  { bit: REASONING, fact: "supportsReasoning", lack: "it does not reason", parameter: "reasoning" },
];

/** What a model is known not to have. */
export function lacks(facts: ModelFacts): number {
  let bits = 0;
  for (const { bit, fact } of CAPABILITIES) if (facts[fact] === false) bits |= bit;
  return bits;
}

/**
 * Which of the wanted capabilities a call needs. Content is looked at only where it matters, and no longer than until
 * all is found.
 */
export function needs(call: Call, wanted: number): number {
  if (isCall(call, "countTokens")) return contentNeeds(call.request.chat, wanted & CONTENT);
  if (!isCall(call, "chat")) return 0;
  return contentNeeds(call.request, wanted & CONTENT) | parameterNeeds(call, wanted & ~CONTENT);
}

function parameterNeeds(call: Call<"chat">, wanted: number): number {
  if (wanted === 0) return 0;
  const { tools, responseFormat, reasoning } = call.request;
  let found = 0;
  if (tools?.some(({ type }) => type !== "server")) found |= TOOLS;
  if (responseFormat?.type === "jsonSchema") found |= SCHEMA;
  if (reasoning !== undefined && asksToReason(reasoning)) found |= REASONING;
  found &= wanted;
  const { allowedParams, additionalDropParams } = call.options;
  if (found === 0 || (allowedParams === undefined && additionalDropParams === undefined)) return found;
  for (const { bit, parameter } of CAPABILITIES) {
    if (parameter === undefined) continue;
    const name = CHAT_PARAMETERS[parameter];
    if (allowedParams?.includes(name) || additionalDropParams?.includes(name)) found &= ~bit;
  }
  return found;
}

function asksToReason({ effort, mode, budgetTokens = 0 }: NonNullable<ChatRequest["reasoning"]>): boolean {
  if (mode === "disabled" || effort === "none") return false;
  return effort !== undefined || mode !== undefined || budgetTokens > 0;
}

function contentNeeds(request: ChatRequest, wanted: number): number {
  let found = 0;
  if (wanted === 0) return found;
  for (const { role, content } of request.messages) {
    // what a model said itself, it can also read
    if (role === "assistant") continue;
    found |= partNeeds(content) & wanted;
    if (found === wanted) break;
  }
  return found;
}

function partNeeds(parts: readonly Part[]): number {
  let found = 0;
  for (const part of parts) {
    if (part.type === "image") found |= VISION;
    else if (part.type === "audio") found |= AUDIO;
    else if (part.type === "document") found |= isPlainText(part.source) ? 0 : DOCUMENTS;
    else if (part.type === "toolResult") found |= partNeeds(part.content);
  }
  return found;
}

/** A text with a title, which every model can read. */
function isPlainText(source: { readonly type: string; readonly mediaType?: string }): boolean {
  return source.type === "text" || (source.mediaType?.startsWith("text/") ?? false);
}
