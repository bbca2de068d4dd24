import type { CanonicalChatEvent, PartDelta } from "./event.ts";
import type { Part } from "./part.ts";
import type { ChatResult } from "./result.ts";

/** The events of a whole answer: what a client that asked for a stream gets from a cache or a provider without streams. */
export function* resultEvents(result: ChatResult): Generator<CanonicalChatEvent, void> {
  yield {
    type: "replyStart",
    id: result.id,
    model: result.model,
    createdAt: result.createdAt,
    ...(result.serviceTier !== undefined && { serviceTier: result.serviceTier }),
    ...(result.extra !== undefined && { extra: result.extra }),
  };
  for (const choice of result.choices) {
    // Log probabilities belong to the choice; they ride on its first delta.
    let logprobs = choice.logprobs;
    for (const [index, part] of choice.content.entries()) {
      const { opening, deltas } = split(part);
      yield { type: "partStart", choice: choice.index, index, part: opening };
      for (const delta of deltas) {
        yield { type: "partDelta", choice: choice.index, index, delta, ...(logprobs && { logprobs }) };
        logprobs = undefined;
      }
      yield { type: "partEnd", choice: choice.index, index };
    }
    yield {
      type: "choiceEnd",
      choice: choice.index,
      finishReason: choice.finishReason,
      ...(choice.nativeFinishReason !== undefined && { nativeFinishReason: choice.nativeFinishReason }),
      ...(choice.stopSequence !== undefined && { stopSequence: choice.stopSequence }),
      ...(choice.extra !== undefined && { extra: choice.extra }),
    };
  }
  yield {
    type: "usageUpdate",
    usage: result.usage,
    ...(result.serviceTier !== undefined && { serviceTier: result.serviceTier }),
  };
}

function split(part: Part): { readonly opening: Part; readonly deltas: readonly PartDelta[] } {
  switch (part.type) {
    case "text": {
      const { citations, ...rest } = part;
      const deltas: PartDelta[] = part.text === "" ? [] : [{ type: "text", text: part.text }];
      for (const citation of citations ?? []) deltas.push({ type: "citation", citation });
      return { opening: { ...rest, text: "" }, deltas };
    }
    case "refusal":
      return { opening: { ...part, text: "" }, deltas: [{ type: "refusal", text: part.text }] };
    case "reasoning": {
      const { signature, ...rest } = part;
      const deltas: PartDelta[] = part.text === "" ? [] : [{ type: "reasoning", text: part.text }];
      if (signature !== undefined) deltas.push({ type: "signature", signature });
      return { opening: { ...rest, text: "" }, deltas };
    }
    case "toolCall":
      return { opening: { ...part, arguments: "" }, deltas: [{ type: "arguments", text: part.arguments }] };
    default:
      return { opening: part, deltas: [] };
  }
}
