import type { Exchange, SentRequest } from "@signalbox/kernel/testkit";
import type { Wire } from "./scripted-gateway.ts";
import { chatEvents, chatReply, sse } from "./scripted-gateway.ts";

// Upstreams that refuse what the real ones refuse: signatures they did not write, thinking that is missing from a turn,
// results without their calls, members they do not know.

// biome-ignore lint/suspicious/noExplicitAny: JSON of many shapes, read by a test
type Json = any;

/** What an answer consists of, in either format. */
export interface VendorAnswer {
  readonly thinking?: string;
  readonly signature?: string;
  /** In pieces, as it is streamed. */
  readonly text?: readonly string[];
  readonly call?: { readonly id: string; readonly name: string; readonly input: object };
}

/** The events of a streamed answer. */
function vendorEvents(wire: Wire, answer: VendorAnswer): (Record<string, unknown> | string)[] {
  return wire === "anthropic" ? anthropicEvents(answer) : openaiEvents(answer);
}

function anthropicEvents({ thinking, signature = "", text, call }: VendorAnswer): Record<string, unknown>[] {
  const events = [chatEvents("anthropic", [])[0] as Record<string, unknown>];
  let index = 0;
  const block = (start: object, deltas: readonly object[]): void => {
    events.push({ type: "content_block_start", index, content_block: start });
    for (const delta of deltas) events.push({ type: "content_block_delta", index, delta });
    events.push({ type: "content_block_stop", index });
    index++;
  };
  if (thinking !== undefined) {
    block({ type: "thinking", thinking: "", signature: "" }, [
      { type: "thinking_delta", thinking },
      { type: "signature_delta", signature },
    ]);
  }
  if (text !== undefined) {
    block(
      { type: "text", text: "" },
      text.map((piece) => ({ type: "text_delta", text: piece })),
    );
  }
  if (call !== undefined) {
    const input = JSON.stringify(call.input);
    block({ type: "tool_use", id: call.id, name: call.name, input: {} }, [
      { type: "input_json_delta", partial_json: input.slice(0, 5) },
      { type: "input_json_delta", partial_json: input.slice(5) },
    ]);
  }
  const reason = call === undefined ? "end_turn" : "tool_use";
  events.push(
    { type: "message_delta", delta: { stop_reason: reason, stop_sequence: null }, usage: { output_tokens: 9 } },
    { type: "message_stop" },
  );
  return events;
}

function openaiEvents({ thinking, text, call }: VendorAnswer): (Record<string, unknown> | string)[] {
  const chunk = (delta: object, finish: string | null = null): Record<string, unknown> => ({
    ...(chatEvents("openai", [])[0] as Record<string, unknown>),
    choices: [{ index: 0, delta, finish_reason: finish }],
  });
  const events: (Record<string, unknown> | string)[] = [chunk({ role: "assistant", content: "" })];
  if (thinking !== undefined) events.push(chunk({ reasoning: thinking }));
  for (const piece of text ?? []) events.push(chunk({ content: piece }));
  if (call !== undefined) {
    const input = JSON.stringify(call.input);
    const named = { index: 0, id: call.id, type: "function", function: { name: call.name, arguments: "" } };
    events.push(
      chunk({ tool_calls: [named] }),
      chunk({ tool_calls: [{ index: 0, function: { arguments: input.slice(0, 5) } }] }),
      chunk({ tool_calls: [{ index: 0, function: { arguments: input.slice(5) } }] }),
    );
  }
  const usage = { prompt_tokens: 20, completion_tokens: 6, total_tokens: 26 };
  events.push(chunk({}, call === undefined ? "stop" : "tool_calls"), { ...chunk({}), choices: [], usage }, "[DONE]");
  return events;
}

/** The answer as a client asked for it. */
export function vendorReply(wire: Wire, answer: VendorAnswer, stream: boolean): Exchange {
  if (stream) return { bodyText: sse(wire, vendorEvents(wire, answer)), delivery: "lines" };
  const { thinking, signature, text, call } = answer;
  if (wire === "anthropic") {
    const content = [
      ...(thinking === undefined ? [] : [{ type: "thinking", thinking, signature }]),
      ...(text === undefined ? [] : [{ type: "text", text: text.join("") }]),
      ...(call === undefined ? [] : [{ type: "tool_use", ...call }]),
    ];
    return { body: chatReply(wire, "", { content, stop_reason: call === undefined ? "end_turn" : "tool_use" }) };
  }
  const calls = call && [
    { id: call.id, type: "function", function: { name: call.name, arguments: JSON.stringify(call.input) } },
  ];
  const message = {
    role: "assistant",
    content: text?.join("") ?? null,
    ...(thinking !== undefined && { reasoning: thinking }),
    ...(calls !== undefined && { tool_calls: calls }),
  };
  return {
    body: chatReply(wire, "", { choices: [{ index: 0, message, finish_reason: calls ? "tool_calls" : "stop" }] }),
  };
}

/** The first so many events of a streamed answer; then the connection is reset. */
export function brokenReply(wire: Wire, answer: VendorAnswer, count: number): Exchange {
  const events = vendorEvents(wire, answer);
  const afterBytes = Buffer.byteLength(sse(wire, events.slice(0, count)));
  return { bodyText: sse(wire, events), delivery: "lines", fault: { type: "reset", afterBytes } };
}

/** Why a vendor would refuse the request; undefined when it would not. */
export function refusalOf(
  wire: Wire,
  { body }: Pick<SentRequest, "body">,
  signatures: ReadonlySet<string>,
): string | undefined {
  const request: Json = JSON.parse(body);
  return wire === "anthropic" ? anthropicRefusal(request, signatures) : openaiRefusal(request, body);
}

function anthropicRefusal(request: Json, signatures: ReadonlySet<string>): string | undefined {
  const { messages, thinking, max_tokens: maxTokens } = request;
  if (typeof maxTokens !== "number") return "max_tokens: Field required";
  if (thinking?.type === "enabled" && thinking.budget_tokens >= maxTokens) return "max_tokens must be greater";
  let calls = new Set<string>();
  for (const [at, { role, content }] of messages.entries()) {
    if (at > 0 && messages[at - 1].role === role) return `messages.${at}: roles must alternate`;
    const blocks = typeof content === "string" ? [{ type: "text", text: content }] : content;
    if (blocks.length === 0) return `messages.${at}: content is empty`;
    const results = new Set<string>();
    for (const [index, block] of blocks.entries()) {
      const where = `messages.${at}.content.${index}`;
      if (block.type === "text" && block.text.trim() === "") return `${where}: text content blocks must contain text`;
      if (block.type === "thinking" && !signatures.has(block.signature)) return `${where}: Invalid \`signature\``;
      if (block.type === "tool_use" && !/^[\w-]+$/.test(block.id)) return `${where}.id: String should match pattern`;
      if (block.type === "tool_result") {
        if (!calls.has(block.tool_use_id)) return `${where}: unexpected \`tool_use_id\` ${block.tool_use_id}`;
        results.add(block.tool_use_id);
      }
    }
    if (role === "user" && [...calls].some((id) => !results.has(id))) return `messages.${at}: missing tool_result`;
    calls = new Set(blocks.filter((block: Json) => block.type === "tool_use").map((block: Json) => block.id));
  }
  if (messages.at(-1).role !== "user") return "the conversation must end with a user message";
  if (thinking?.type !== "enabled") return undefined;
  const first = openTurn(messages)?.content[0];
  if (first === undefined || first.type === "thinking" || first.type === "redacted_thinking") return undefined;
  return `Expected \`thinking\` or \`redacted_thinking\`, but found \`${first.type}\``;
}

/** The first message of a turn that ends with tool results. */
function openTurn(messages: readonly Json[]): Json {
  let first: Json;
  for (let at = messages.length - 1; at > 0; at -= 2) {
    const { content } = messages[at];
    if (!Array.isArray(content) || !content.some(({ type }: Json) => type === "tool_result")) break;
    first = messages[at - 1];
  }
  return first;
}

const OPENAI_MEMBERS: ReadonlySet<string> = new Set([
  "model",
  "messages",
  "stream",
  "stream_options",
  "tools",
  "tool_choice",
  "max_tokens",
  "max_completion_tokens",
  "reasoning_effort",
  "temperature",
]);

function openaiRefusal(request: Json, body: string): string | undefined {
  for (const name in request) if (!OPENAI_MEMBERS.has(name)) return `Unrecognized request argument supplied: ${name}`;
  if (/signature|redacted|"thinking|signalbox\./.test(body)) return "it holds what is another vendor's";
  let calls = new Set<string>();
  for (const [at, message] of request.messages.entries()) {
    if (message.role === "tool") {
      if (!calls.delete(message.tool_call_id)) return `messages.${at}: no tool call has this id`;
      continue;
    }
    if (calls.size > 0) return `messages.${at}: a tool call has no result`;
    calls = new Set((message.tool_calls ?? []).map(({ id }: Json) => id));
  }
  return calls.size > 0 ? "a tool call has no result" : undefined;
}
