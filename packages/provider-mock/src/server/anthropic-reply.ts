import type { CanonicalChatEvent, ChatResult, FinishReason, Part, PartDelta, Usage } from "@signalbox/kernel";
import { anthropicRequest } from "./anthropic-request.ts";
import { anthropicErrorType } from "./errors.ts";
import type { Frame, WireDialect, WireError } from "./wire.ts";

const REQUEST_ID = "req_mock";

const STOP: Readonly<Record<FinishReason, string>> = {
  stop: "end_turn",
  length: "max_tokens",
  toolCalls: "tool_use",
  contentFilter: "refusal",
  error: "end_turn",
};

/** Anthropic Messages. Source: Anthropic API reference, "Messages" and "Streaming messages". */
export const ANTHROPIC_MESSAGES: WireDialect = {
  contentType: "text/event-stream; charset=utf-8",
  request: anthropicRequest,
  result: (result) => JSON.stringify(message(result)),
  frames,
  error: (error) => JSON.stringify(anthropicError(error)),
  errorFrame: (error) => frameOf(anthropicError(error)),
};

function anthropicError({ status, message: text }: WireError): Readonly<Record<string, unknown>> {
  return { type: "error", error: { type: anthropicErrorType(status), message: text }, request_id: REQUEST_ID };
}

function message(result: ChatResult): object {
  const choice = result.choices[0];
  const content = choice?.content ?? [];
  return {
    id: result.id,
    type: "message",
    role: "assistant",
    model: result.model,
    content: content.map(block),
    stop_reason: stopReason(content, choice?.finishReason ?? "stop", choice?.stopSequence),
    stop_sequence: choice?.stopSequence ?? null,
    usage: usage(result.usage),
  };
}

function block(part: Part): object {
  switch (part.type) {
    case "text":
    case "refusal":
      return { type: "text", text: part.text };
    case "reasoning":
      return { type: "thinking", thinking: part.text, signature: part.signature ?? "" };
    case "toolCall":
      return { type: "tool_use", id: part.id, name: part.name, input: parsedInput(part.arguments) };
    default:
      throw new TypeError(`the mock server cannot write a part of type ${part.type} in the Messages dialect`);
  }
}

function parsedInput(text: string): unknown {
  try {
    return JSON.parse(text === "" ? "{}" : text);
  } catch {
    // Arguments that are not JSON are asked for on purpose; the dialect has no place for them but a member.
    return { unparsed: text };
  }
}

function stopReason(content: readonly Part[], finishReason: FinishReason, stopSequence: string | undefined): string {
  if (content.some((part) => part.type === "refusal")) return "refusal";
  return stopSequence === undefined ? STOP[finishReason] : "stop_sequence";
}

function usage(counts: Usage): Readonly<Record<string, unknown>> {
  const { inputTokens, outputTokens, cacheReadTokens = 0, cacheWriteTokens = 0, cacheWrite1hTokens = 0 } = counts;
  return {
    // Anthropic counts what came from or went into the cache apart from the rest.
    input_tokens: inputTokens - cacheReadTokens - cacheWriteTokens - cacheWrite1hTokens,
    cache_creation_input_tokens: cacheWriteTokens + cacheWrite1hTokens,
    cache_read_input_tokens: cacheReadTokens,
    output_tokens: outputTokens,
    service_tier: "standard",
  };
}

function frames(events: readonly CanonicalChatEvent[]): readonly Frame[] {
  const list: Frame[] = [];
  const push = (value: Readonly<Record<string, unknown>>, delta: boolean): void =>
    void list.push({ bytes: frameOf(value), delta });
  const total = events.findLast((event) => event.type === "usageUpdate")?.usage ?? { inputTokens: 0, outputTokens: 0 };
  const parts: Part[] = [];
  let finish: { readonly reason: string; readonly stopSequence: string | null } | undefined;

  for (const event of events) {
    switch (event.type) {
      case "replyStart": {
        const empty = { ...usage(total), output_tokens: 1 };
        const opening = { id: event.id, type: "message", role: "assistant", model: event.model, content: [] };
        push(
          { type: "message_start", message: { ...opening, stop_reason: null, stop_sequence: null, usage: empty } },
          false,
        );
        push({ type: "ping" }, false);
        break;
      }
      case "partStart":
        parts.push(event.part);
        push({ type: "content_block_start", index: event.index, content_block: block(event.part) }, false);
        break;
      case "partDelta":
        push({ type: "content_block_delta", index: event.index, delta: wireDelta(event.delta) }, true);
        break;
      case "partEnd":
        push({ type: "content_block_stop", index: event.index }, false);
        break;
      case "choiceEnd":
        finish = {
          reason: stopReason(parts, event.finishReason, event.stopSequence),
          stopSequence: event.stopSequence ?? null,
        };
        break;
      case "usageUpdate": {
        const delta = { stop_reason: finish?.reason ?? "end_turn", stop_sequence: finish?.stopSequence ?? null };
        push({ type: "message_delta", delta, usage: usage(event.usage) }, false);
        break;
      }
    }
  }
  push({ type: "message_stop" }, false);
  return list;
}

function wireDelta(delta: PartDelta): object {
  switch (delta.type) {
    case "text":
    case "refusal":
      return { type: "text_delta", text: delta.text };
    case "reasoning":
      return { type: "thinking_delta", thinking: delta.text };
    case "signature":
      return { type: "signature_delta", signature: delta.signature };
    case "arguments":
      return { type: "input_json_delta", partial_json: delta.text };
    default:
      throw new TypeError(`the mock server cannot write a delta of type ${delta.type} in the Messages dialect`);
  }
}

function frameOf(value: Readonly<Record<string, unknown>>): Buffer {
  return Buffer.from(`event: ${String(value.type)}\ndata: ${JSON.stringify(value)}\n\n`);
}
