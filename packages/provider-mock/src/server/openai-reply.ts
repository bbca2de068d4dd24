import type { CanonicalChatEvent, ChatResult, FinishReason, Part, ToolCallPart, Usage } from "@signalbox/kernel";
import { totalTokens } from "@signalbox/kernel";
import type { JsonObject } from "@signalbox/kernel/http";
import { isJsonObject } from "@signalbox/kernel/http";
import { openaiRequest } from "./openai-request.ts";
import type { Frame, WireDialect, WireError } from "./wire.ts";

const FINISH: Readonly<Record<FinishReason, string>> = {
  stop: "stop",
  length: "length",
  toolCalls: "tool_calls",
  contentFilter: "content_filter",
  error: "error",
};

/** OpenAI Chat Completions. Source: OpenAI API reference, "Chat completions". */
export const OPENAI_CHAT: WireDialect = {
  contentType: "text/event-stream; charset=utf-8",
  request: openaiRequest,
  result: (result) => JSON.stringify(completion(result)),
  frames: chunks,
  error: (error) => JSON.stringify(openaiError(error)),
  errorFrame: (error) => frameOf(openaiError(error)),
};

function openaiError({ message, type, code, param }: WireError): object {
  return { error: { message, type, param, code } };
}

function completion(result: ChatResult): object {
  return {
    id: result.id,
    object: "chat.completion",
    created: result.createdAt,
    model: result.model,
    choices: result.choices.map(({ index, content, finishReason }) => ({
      index,
      message: assistantMessage(content),
      logprobs: null,
      finish_reason: FINISH[finishReason],
    })),
    usage: usage(result.usage),
    service_tier: "default",
    system_fingerprint: "fp_mock",
  };
}

function assistantMessage(content: readonly Part[]): object {
  const texts = { text: "", refusal: "", reasoning: "" };
  const calls: object[] = [];
  for (const part of content) {
    if (part.type === "toolCall") calls.push(toolCall(part));
    else if (part.type === "text" || part.type === "refusal" || part.type === "reasoning") {
      texts[part.type] += part.text;
    }
  }
  const silent = texts.text === "" && (calls.length > 0 || texts.refusal !== "");
  return {
    role: "assistant",
    content: silent ? null : texts.text,
    refusal: texts.refusal === "" ? null : texts.refusal,
    ...(texts.reasoning !== "" && { reasoning_content: texts.reasoning }),
    ...(calls.length > 0 && { tool_calls: calls }),
    annotations: [],
  };
}

function toolCall(part: ToolCallPart): object {
  return part.kind === "custom"
    ? { id: part.id, type: "custom", custom: { name: part.name, input: part.arguments } }
    : { id: part.id, type: "function", function: { name: part.name, arguments: part.arguments } };
}

function usage(counts: Usage): object {
  return {
    prompt_tokens: counts.inputTokens,
    completion_tokens: counts.outputTokens,
    total_tokens: totalTokens(counts),
    prompt_tokens_details: { cached_tokens: counts.cacheReadTokens ?? 0, audio_tokens: 0 },
    completion_tokens_details: {
      reasoning_tokens: counts.reasoningTokens ?? 0,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  };
}

function chunks(events: readonly CanonicalChatEvent[], body: JsonObject): readonly Frame[] {
  const frames: Frame[] = [];
  const options = body.stream_options;
  const wantsUsage = isJsonObject(options) && options.include_usage === true;
  let head: Readonly<Record<string, unknown>> = {};
  /** Tool calls and their numbers within their choice, by choice and part. */
  const calls = new Map<string, { readonly index: number; readonly custom: boolean }>();
  const callCounts = new Map<number, number>();
  const begun = new Set<number>();

  function push(choice: number, delta: object, finishReason: string | null, carries: boolean): void {
    if (!begun.has(choice)) {
      begun.add(choice);
      push(choice, { role: "assistant", content: "", refusal: null }, null, false);
    }
    const choices = [{ index: choice, delta, logprobs: null, finish_reason: finishReason }];
    frames.push({ bytes: frameOf({ ...head, choices, ...(wantsUsage && { usage: null }) }), delta: carries });
  }

  for (const event of events) {
    switch (event.type) {
      case "replyStart":
        head = {
          id: event.id,
          object: "chat.completion.chunk",
          created: event.createdAt,
          model: event.model,
          service_tier: "default",
          system_fingerprint: "fp_mock",
        };
        break;
      case "partStart": {
        if (event.part.type !== "toolCall") break;
        const index = callCounts.get(event.choice) ?? 0;
        callCounts.set(event.choice, index + 1);
        calls.set(`${event.choice}/${event.index}`, { index, custom: event.part.kind === "custom" });
        push(event.choice, { tool_calls: [{ index, ...toolCall(event.part) }] }, null, false);
        break;
      }
      case "partDelta": {
        const { delta } = event;
        if (delta.type === "text") push(event.choice, { content: delta.text }, null, true);
        else if (delta.type === "refusal") push(event.choice, { refusal: delta.text }, null, true);
        else if (delta.type === "reasoning") push(event.choice, { reasoning_content: delta.text }, null, true);
        else if (delta.type === "arguments") {
          const call = calls.get(`${event.choice}/${event.index}`);
          const piece = call?.custom ? { custom: { input: delta.text } } : { function: { arguments: delta.text } };
          push(event.choice, { tool_calls: [{ index: call?.index ?? 0, ...piece }] }, null, true);
        }
        break;
      }
      case "choiceEnd":
        push(event.choice, {}, FINISH[event.finishReason], false);
        break;
      case "usageUpdate":
        if (wantsUsage)
          frames.push({ bytes: frameOf({ ...head, choices: [], usage: usage(event.usage) }), delta: false });
        break;
    }
  }
  frames.push({ bytes: Buffer.from("data: [DONE]\n\n"), delta: false });
  return frames;
}

function frameOf(value: object): Buffer {
  return Buffer.from(`data: ${JSON.stringify(value)}\n\n`);
}
