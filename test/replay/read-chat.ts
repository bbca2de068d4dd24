import type { WireDialect } from "./recordings.ts";

/**
 * What a client reads out of a chat reply, whatever its dialect. Written for these tests alone, straight from the
 * providers' documentation: it shares no code with the packages that are tested.
 */
export interface ReadChat {
  readonly text: string;
  readonly reasoning: string;
  readonly toolCalls: readonly { readonly name: string; readonly arguments: unknown }[];
  readonly finish: string;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

// biome-ignore lint/suspicious/noExplicitAny: foreign JSON of many shapes, read by a test
type Json = Record<string, any>;

interface Draft {
  text: string;
  reasoning: string;
  tools: Map<number, { name: string; arguments: string }>;
  finish: string;
  refused: boolean;
  input: number;
  output: number;
}

function draft(): Draft {
  return { text: "", reasoning: "", tools: new Map(), finish: "", refused: false, input: 0, output: 0 };
}

function parsed(text: string): unknown {
  try {
    return text.trim() === "" ? {} : JSON.parse(text);
  } catch {
    return text;
  }
}

function finished(from: Draft): ReadChat {
  return {
    text: from.text,
    reasoning: from.reasoning,
    toolCalls: [...from.tools.entries()]
      .sort(([one], [two]) => one - two)
      .map(([, call]) => ({ name: call.name, arguments: parsed(call.arguments) })),
    // OpenAI says "stop" for a refusal and puts it beside the content; some hosts leave the reason empty.
    finish: from.refused ? "filter" : from.finish || (from.tools.size > 0 ? "tools" : "stop"),
    inputTokens: from.input,
    outputTokens: from.output,
  };
}

/** The `data:` values of a stream, in order. */
export function dataLines(stream: string): readonly string[] {
  return stream
    .replace(/^\uFEFF/, "")
    .split(/\r\n\r\n|\n\n|\r\r/)
    .map((frame) =>
      frame
        .split(/\r\n|\n|\r/)
        .filter((line) => line.startsWith("data:"))
        .map((line) => line.slice(5).replace(/^ /, ""))
        .join("\n"),
    )
    .filter((data) => data !== "");
}

const OPENAI_FINISH: Readonly<Record<string, string>> = {
  stop: "stop",
  length: "length",
  tool_calls: "tools",
  function_call: "tools",
  content_filter: "filter",
};

function openaiContent(content: unknown, into: Draft): void {
  if (typeof content === "string") into.text += content;
  else if (Array.isArray(content)) {
    for (const part of content as Json[]) {
      if (part.type === "text") into.text += part.text;
      if (part.type === "thinking") {
        for (const piece of Array.isArray(part.thinking) ? part.thinking : []) into.reasoning += piece.text ?? "";
      }
    }
  }
}

function openaiMessage(message: Json, into: Draft): void {
  openaiContent(message.content, into);
  const reasoning = message.reasoning_content ?? message.reasoning ?? message.reasoning_text;
  if (typeof reasoning === "string") into.reasoning += reasoning;
  else
    for (const detail of (message.reasoning_details ?? []) as Json[])
      into.reasoning += detail.text ?? detail.summary ?? "";
  if (typeof message.refusal === "string" && message.refusal !== "") into.refused = true;
  for (const [at, call] of ((message.tool_calls ?? []) as Json[]).entries()) {
    const index = typeof call.index === "number" ? call.index : at;
    const known = into.tools.get(index) ?? { name: "", arguments: "" };
    const piece = call.function?.arguments ?? call.custom?.input ?? "";
    known.name ||= call.function?.name ?? call.custom?.name ?? "";
    known.arguments += typeof piece === "string" ? piece : JSON.stringify(piece);
    into.tools.set(index, known);
  }
}

/** Input with what a host counts beside it, output with reasoning where a host counts that beside it. */
function openaiUsage(usage: Json | null | undefined, into: Draft): void {
  if (typeof usage?.prompt_tokens !== "number") return;
  const cached = usage.prompt_tokens_details?.cached_tokens ?? 0;
  const reasoning = usage.completion_tokens_details?.reasoning_tokens ?? 0;
  const output = usage.completion_tokens ?? 0;
  const apart = usage.total_tokens === usage.prompt_tokens + output + reasoning || reasoning > output;
  into.input = usage.prompt_tokens + (cached > usage.prompt_tokens ? cached : 0);
  into.output = output + (apart ? reasoning : 0);
}

function readOpenai(body: string, stream: boolean): ReadChat {
  const into = draft();
  const documents = stream ? dataLines(body).filter((data) => data !== "[DONE]") : [body];
  for (const document of documents) {
    const json = JSON.parse(document) as Json;
    // Perplexity repeats the whole message in each frame of some streams; its delta is what counts.
    const choice = ((json.choices ?? []) as Json[]).find(({ index }) => (index ?? 0) === 0);
    if (choice !== undefined) {
      openaiMessage(stream ? (choice.delta ?? {}) : (choice.message ?? {}), into);
      if (choice.finish_reason) into.finish = OPENAI_FINISH[choice.finish_reason] ?? choice.finish_reason;
    }
    openaiUsage(json.usage ?? json.x_groq?.usage, into);
  }
  return finished(into);
}

const ANTHROPIC_FINISH: Readonly<Record<string, string>> = {
  end_turn: "stop",
  stop_sequence: "stop",
  pause_turn: "stop",
  compaction: "stop",
  tool_use: "tools",
  max_tokens: "length",
  model_context_window_exceeded: "length",
  refusal: "filter",
};

function anthropicUsage(usage: Json | null | undefined, into: Draft): void {
  if (usage === null || usage === undefined) return;
  if (typeof usage.input_tokens === "number") {
    into.input = usage.input_tokens + (usage.cache_creation_input_tokens ?? 0) + (usage.cache_read_input_tokens ?? 0);
  }
  if (typeof usage.output_tokens === "number") into.output = usage.output_tokens;
}

function anthropicBlock(block: Json, index: number, into: Draft, whole: boolean): void {
  if (block.type === "text") into.text += block.text ?? "";
  if (block.type === "thinking") into.reasoning += block.thinking ?? "";
  if (block.type === "tool_use") {
    into.tools.set(index, { name: block.name, arguments: whole ? JSON.stringify(block.input) : "" });
  }
}

function readAnthropic(body: string, stream: boolean): ReadChat {
  const into = draft();
  if (!stream) {
    const json = JSON.parse(body) as Json;
    for (const [index, block] of (json.content as Json[]).entries()) anthropicBlock(block, index, into, true);
    into.finish = ANTHROPIC_FINISH[json.stop_reason] ?? json.stop_reason;
    anthropicUsage(json.usage, into);
    return finished(into);
  }
  for (const data of dataLines(body)) {
    const json = JSON.parse(data) as Json;
    if (json.type === "message_start") anthropicUsage(json.message.usage, into);
    if (json.type === "content_block_start") anthropicBlock(json.content_block, json.index, into, false);
    if (json.type === "content_block_delta") {
      if (json.delta.type === "text_delta") into.text += json.delta.text;
      if (json.delta.type === "thinking_delta") into.reasoning += json.delta.thinking;
      const call = into.tools.get(json.index);
      if (json.delta.type === "input_json_delta" && call !== undefined) call.arguments += json.delta.partial_json;
    }
    if (json.type === "message_delta") {
      into.finish = ANTHROPIC_FINISH[json.delta.stop_reason] ?? json.delta.stop_reason;
      anthropicUsage(json.usage, into);
    }
  }
  return finished(into);
}

export function readChat(dialect: WireDialect, body: string, stream: boolean): ReadChat {
  return dialect === "openai" ? readOpenai(body, stream) : readAnthropic(body, stream);
}
