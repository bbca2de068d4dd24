import type { Exchange } from "@signalbox/kernel/testkit";
import { chatEvents, chatReply, sse } from "./scripted-gateway.ts";

const SEARCH = { type: "server_tool_use", id: "srvtoolu_1", name: "web_search", input: { query: "oslo" } };
const FOUND = {
  type: "web_search_tool_result",
  tool_use_id: "srvtoolu_1",
  content: [
    { type: "web_search_result", url: "https://example.com", title: "T", encrypted_content: "RU5D", page_age: null },
  ],
};
const CITATION = {
  type: "web_search_result_location",
  url: "https://example.com",
  title: "T",
  encrypted_index: "SU5E",
  cited_text: "cold",
};
const DOCUMENT_CITATION = {
  type: "char_location",
  cited_text: "so",
  document_index: 0,
  document_title: null,
  start_char_index: 0,
  end_char_index: 2,
};
/** Everything that an answer of Anthropic's can hold and another dialect has no words for. */
export const RICH = [
  { type: "thinking", thinking: "first thought", signature: "U0lHMQ==" },
  { type: "redacted_thinking", data: "UkVEQUNURUQ=" },
  { type: "text", text: "I look it up. " },
  SEARCH,
  FOUND,
  { type: "thinking", thinking: "second thought", signature: "U0lHMg==" },
  { type: "text", text: "It is cold", citations: [CITATION, DOCUMENT_CITATION] },
  { type: "text", text: " in Oslo." },
  { type: "future_block", value: { deep: [1] } },
  { type: "tool_use", id: "toolu_A", name: "weather", input: { city: "Oslo", days: [1, 2.5] } },
  { type: "tool_use", id: "toolu_B", name: "now", input: {} },
];

const RICH_USAGE = { input_tokens: 9, output_tokens: 8 };

export function richPlain(): Exchange {
  return { body: { ...chatReply("anthropic"), content: RICH, stop_reason: "tool_use", usage: RICH_USAGE } };
}

export function richStream(): Exchange {
  const events: Record<string, unknown>[] = [chatEvents("anthropic", [])[0] as Record<string, unknown>];
  for (const [index, block] of (RICH as readonly Record<string, unknown>[]).entries()) {
    const delta = (value: object): void => {
      events.push({ type: "content_block_delta", index, delta: value });
    };
    const start = (content: object): void => {
      events.push({ type: "content_block_start", index, content_block: content });
    };
    if (block.type === "thinking") {
      start({ type: "thinking", thinking: "", signature: "" });
      delta({ type: "thinking_delta", thinking: block.thinking });
      delta({ type: "signature_delta", signature: block.signature });
    } else if (block.type === "text") {
      start({ type: "text", text: "", ...(block.citations !== undefined && { citations: [] }) });
      delta({ type: "text_delta", text: block.text });
      for (const citation of (block.citations ?? []) as object[]) delta({ type: "citations_delta", citation });
    } else if (block.type === "tool_use" || block.type === "server_tool_use") {
      start({ ...block, input: {} });
      const input = JSON.stringify(block.input);
      for (const part of input === "{}" ? [""] : [input.slice(0, 4), input.slice(4)]) {
        delta({ type: "input_json_delta", partial_json: part });
      }
    } else start(block);
    events.push({ type: "content_block_stop", index });
  }
  events.push(
    { type: "message_delta", delta: { stop_reason: "tool_use", stop_sequence: null }, usage: { output_tokens: 8 } },
    { type: "message_stop" },
  );
  return { bodyText: sse("anthropic", events) };
}

export type Message = Record<string, unknown>;

/** What a careful client makes of a stream: texts grow, lists get longer, tool calls go by their index. */
export function foldDeltas(stream: string): Message {
  const message: Message = {};
  for (const line of stream.split("\n")) {
    if (!line.startsWith("data: {")) continue;
    const delta = (JSON.parse(line.slice(6)).choices[0]?.delta ?? {}) as Message;
    for (const [name, value] of Object.entries(delta)) {
      if (name === "tool_calls") message[name] = foldCalls((message[name] ?? []) as Message[], value as Message[]);
      else message[name] = grown(message[name], value);
    }
  }
  return message;
}

function grown(before: unknown, value: unknown): unknown {
  if (before === undefined || before === null) return value;
  if (value === null) return before;
  if (typeof before === "string" && typeof value === "string") return before + value;
  if (Array.isArray(before) && Array.isArray(value)) return [...before, ...value];
  if (typeof before === "object" && typeof value === "object") {
    const merged: Message = { ...before };
    for (const [name, member] of Object.entries(value)) merged[name] = grown(merged[name], member);
    return merged;
  }
  return value;
}

function foldCalls(calls: Message[], pieces: readonly Message[]): Message[] {
  for (const { index, ...piece } of pieces) {
    const at = index as number;
    const call = calls[at];
    if (call === undefined) calls[at] = piece;
    else (call.function as Message).arguments += (piece.function as Message).arguments as string;
  }
  return calls;
}
