import type { ChatResult, Choice, Part } from "@signalbox/kernel";
import type { Block } from "./chat-blocks.ts";
import { needsBlock, thinkingBlock } from "./chat-blocks.ts";
import { annotationOf, finishWord, memberOf, toolCallWire } from "./chat-parts.ts";
import { textPlaces } from "./chat-text-places.ts";
import { WIRE } from "./json.ts";
import { writeUsage } from "./usage.ts";

type Wire = Record<string, unknown>;

/** How a chat completion is written. */
export interface EncodeOptions {
  /** For results without one. */
  readonly id: string;
  /** The client used `functions` and expects `function_call`. */
  readonly legacyFunctions: boolean;
}

/** Members of the reply that have no canonical field, without those of its usage. */
export function topMembers(result: Pick<ChatResult, "extra">): Wire {
  const { usage: _, ...others } = result.extra?.[WIRE] ?? {};
  return others;
}

/** A whole answer as `chat.completion`. */
export function encodeCompletion(result: ChatResult, options: EncodeOptions): Wire {
  return {
    id: result.id === "" ? options.id : result.id,
    object: "chat.completion",
    created: result.createdAt,
    model: result.model,
    choices: result.choices.map((choice) => encodeChoice(choice, options)),
    usage: writeUsage(result.usage, result.extra?.[WIRE]?.["usage"]),
    ...(result.serviceTier !== undefined && { service_tier: result.serviceTier }),
    ...topMembers(result),
  };
}

function encodeChoice(choice: Choice, options: EncodeOptions): Wire {
  const { message: inMessage, ...others } = choice.extra?.[WIRE] ?? {};
  const specific = specificFields(choice);
  return {
    index: choice.index,
    message: { ...encodeMessage(choice.content, options), ...(inMessage as Wire | undefined) },
    // both lists are required, and streams name those that they have
    logprobs: choice.logprobs ? { content: null, refusal: null, ...choice.logprobs } : null,
    finish_reason: endWord(choice, options),
    ...(specific !== undefined && { provider_specific_fields: specific }),
    ...others,
  };
}

export function endWord(end: Pick<Choice, "finishReason">, options: Pick<EncodeOptions, "legacyFunctions">): string {
  return options.legacyFunctions && end.finishReason === "toolCalls" ? "function_call" : finishWord(end.finishReason);
}

/** What OpenAI's finish reasons do not say. */
export function specificFields(
  end: Pick<Choice, "finishReason" | "nativeFinishReason" | "stopSequence">,
): Wire | undefined {
  const word = end.nativeFinishReason ?? (end.finishReason === "error" ? "error" : undefined);
  if (word === undefined && end.stopSequence === undefined) return undefined;
  return {
    ...(word !== undefined && { native_finish_reason: word }),
    ...(end.stopSequence !== undefined && { stop_sequence: end.stopSequence }),
  };
}

/** The parts of an answer as one assistant message. */
function encodeMessage(content: readonly Part[], options: EncodeOptions): Wire {
  let text: string | undefined;
  let refusal: string | undefined;
  const reasoning: Record<string, string> = {};
  const annotations: unknown[] = [];
  const thinking: unknown[] = [];
  const details: unknown[] = [];
  const images: unknown[] = [];
  const calls: Wire[] = [];
  const blocks: Block[] = [...textPlaces(content)];
  let audio: Wire | undefined;
  for (const [index, part] of content.entries()) {
    if (needsBlock(part)) blocks.push({ index, part });
    switch (part.type) {
      case "text":
        text = (text ?? "") + part.text;
        for (const citation of part.citations ?? []) annotations.push(annotationOf(citation));
        break;
      case "refusal":
        refusal = (refusal ?? "") + part.text;
        break;
      case "reasoning": {
        const block = thinkingBlock(part);
        if (block !== undefined) thinking.push(block);
        if (part.text !== "") {
          const member = memberOf(part);
          reasoning[member] = (reasoning[member] ?? "") + part.text;
        }
        details.push(...reasoningDetails(part));
        break;
      }
      case "toolCall":
        calls.push(toolCallWire(part));
        break;
      case "audio":
        audio = audioWire(part);
        break;
      case "image":
        images.push(imageWire(part));
        break;
      default:
        break;
    }
  }
  const [call] = calls;
  return {
    role: "assistant",
    content: text ?? null,
    refusal: refusal ?? null,
    ...reasoning,
    ...(thinking.length > 0 && { thinking_blocks: thinking }),
    ...(details.length > 0 && { reasoning_details: details }),
    ...(annotations.length > 0 && { annotations }),
    ...(audio !== undefined && { audio }),
    ...(images.length > 0 && { images }),
    ...(call !== undefined && (options.legacyFunctions ? { function_call: call["function"] } : { tool_calls: calls })),
    ...(blocks.length > 0 && { provider_specific_fields: { blocks } }),
  };
}

export function reasoningDetails(part: Part): readonly unknown[] {
  const details = part.extra?.[WIRE]?.["reasoning_details"];
  return Array.isArray(details) ? details : [];
}

function audioWire(part: Part & { readonly type: "audio" }): Wire {
  return {
    id: part.id ?? "",
    data: part.source.type === "data" ? part.source.data : "",
    expires_at: part.expiresAt ?? 0,
    transcript: part.transcript ?? "",
  };
}

/** Images in answers, as OpenRouter writes them. */
export function imageWire(part: Part & { readonly type: "image" }): Wire {
  const { source } = part;
  switch (source.type) {
    case "url":
      return { type: "image_url", image_url: { url: source.url } };
    case "data":
      return { type: "image_url", image_url: { url: `data:${source.mediaType};base64,${source.data}` } };
    case "file":
      return { type: "file", file: { file_id: source.fileId } };
  }
}
