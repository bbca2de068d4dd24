import type { Wire } from "../e2e/scripted-gateway.ts";

/**
 * A model's reply, said without any vendor's words. Written down in either wire format by this file alone, straight
 * from the providers' documentation: it shares no code with the packages that are tested.
 */
export interface PlainReply {
  readonly reasoning: string;
  readonly text: string;
  readonly toolCalls: readonly { readonly id: string; readonly name: string; readonly input: unknown }[];
  readonly finish: "stop" | "length" | "tools" | "filter";
  readonly usage: { readonly fresh: number; readonly cached: number; readonly output: number };
}

/** How a reply is written down: none of it may matter to what a client reads. */
export interface Style {
  readonly lineEnd: "\n" | "\r\n";
  readonly spaceAfterColon: boolean;
  readonly asciiOnly: boolean;
  readonly comments: boolean;
  /** Lengths of the deltas of texts, used again and again. */
  readonly deltaSizes: readonly number[];
  /** Parallel tool calls take turns instead of following each other. OpenAI's format alone can say that. */
  readonly interleaved: boolean;
}

function json(value: unknown, style: Style): string {
  const text = JSON.stringify(value);
  if (!style.asciiOnly) return text;
  return text.replace(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

function frames(events: readonly { readonly name?: string; readonly data: string }[], style: Style): string {
  const { lineEnd, spaceAfterColon, comments } = style;
  const colon = spaceAfterColon ? ": " : ":";
  let text = comments ? `: begins${lineEnd}${lineEnd}` : "";
  for (const { name, data } of events) {
    if (name !== undefined) text += `event${colon}${name}${lineEnd}`;
    text += `data${colon}${data}${lineEnd}${lineEnd}`;
    if (comments) text += `: keep-alive${lineEnd}${lineEnd}`;
  }
  return text;
}

/** A text in pieces, cut between any two UTF-16 code units, also within a character. */
function pieces(text: string, sizes: readonly number[]): readonly string[] {
  const cut: string[] = [];
  for (let start = 0, turn = 0; start < text.length; turn++) {
    const size = sizes[turn % sizes.length] as number;
    cut.push(text.slice(start, start + size));
    start += size;
  }
  return cut;
}

const OPENAI_FINISH = { stop: "stop", length: "length", tools: "tool_calls", filter: "content_filter" } as const;

function openaiUsage({ usage: { fresh, cached, output } }: PlainReply): object {
  return {
    prompt_tokens: fresh + cached,
    completion_tokens: output,
    total_tokens: fresh + cached + output,
    prompt_tokens_details: { cached_tokens: cached },
  };
}

const OPENAI_HEAD = { id: "chatcmpl-77", created: 1_760_000_000, model: "served" };

function openaiPlain(reply: PlainReply, style: Style): string {
  const message = {
    role: "assistant",
    content: reply.text === "" ? null : reply.text,
    refusal: null,
    ...(reply.reasoning !== "" && { reasoning_content: reply.reasoning }),
    ...(reply.toolCalls.length > 0 && {
      tool_calls: reply.toolCalls.map(({ id, name, input }) => ({
        id,
        type: "function",
        function: { name, arguments: json(input, style) },
      })),
    }),
  };
  const choices = [{ index: 0, message, logprobs: null, finish_reason: OPENAI_FINISH[reply.finish] }];
  return json({ ...OPENAI_HEAD, object: "chat.completion", choices, usage: openaiUsage(reply) }, style);
}

function openaiStream(reply: PlainReply, style: Style, includeUsage: boolean): string {
  const data: string[] = [];
  const chunk = (delta: object, finish: string | null = null): void => {
    const choices = [{ index: 0, delta, logprobs: null, finish_reason: finish }];
    const usage = includeUsage ? { usage: null } : {};
    data.push(json({ ...OPENAI_HEAD, object: "chat.completion.chunk", choices, ...usage }, style));
  };
  chunk({ role: "assistant", content: "" });
  for (const piece of pieces(reply.reasoning, style.deltaSizes)) chunk({ reasoning_content: piece });
  for (const piece of pieces(reply.text, style.deltaSizes)) chunk({ content: piece });
  const calls = reply.toolCalls.map((call, index) => ({
    open: { index, id: call.id, type: "function", function: { name: call.name, arguments: "" } },
    deltas: pieces(json(call.input, style), style.deltaSizes).map((text) => ({ index, function: { arguments: text } })),
  }));
  if (style.interleaved) {
    for (const { open } of calls) chunk({ tool_calls: [open] });
    const longest = Math.max(0, ...calls.map(({ deltas }) => deltas.length));
    for (let turn = 0; turn < longest; turn++) {
      for (const { deltas } of calls) if (deltas[turn] !== undefined) chunk({ tool_calls: [deltas[turn]] });
    }
  } else {
    for (const { open, deltas } of calls) {
      chunk({ tool_calls: [open] });
      for (const delta of deltas) chunk({ tool_calls: [delta] });
    }
  }
  chunk({}, OPENAI_FINISH[reply.finish]);
  if (includeUsage) {
    data.push(json({ ...OPENAI_HEAD, object: "chat.completion.chunk", choices: [], usage: openaiUsage(reply) }, style));
  }
  data.push("[DONE]");
  return frames(
    data.map((text) => ({ data: text })),
    style,
  );
}

const ANTHROPIC_STOP = { stop: "end_turn", length: "max_tokens", tools: "tool_use", filter: "refusal" } as const;

const SIGNATURE = "c2lnbmF0dXJlIG9mIHRoaW5raW5n";

function anthropicUsage({ usage: { fresh, cached } }: PlainReply): object {
  return { input_tokens: fresh, cache_creation_input_tokens: 0, cache_read_input_tokens: cached };
}

function anthropicPlain(reply: PlainReply, style: Style): string {
  const content: object[] = [];
  if (reply.reasoning !== "") content.push({ type: "thinking", thinking: reply.reasoning, signature: SIGNATURE });
  if (reply.text !== "") content.push({ type: "text", text: reply.text });
  for (const { id, name, input } of reply.toolCalls) content.push({ type: "tool_use", id, name, input });
  return json(
    {
      id: "msg_77",
      type: "message",
      role: "assistant",
      model: "served",
      content,
      stop_reason: ANTHROPIC_STOP[reply.finish],
      stop_sequence: null,
      usage: { ...anthropicUsage(reply), output_tokens: reply.usage.output },
    },
    style,
  );
}

function anthropicStream(reply: PlainReply, style: Style): string {
  const events: { name: string; data: string }[] = [];
  const event = (name: string, members: object): void => {
    events.push({ name, data: json({ type: name, ...members }, style) });
  };
  let index = 0;
  const block = (opened: object, deltas: readonly object[]): void => {
    event("content_block_start", { index, content_block: opened });
    for (const delta of deltas) event("content_block_delta", { index, delta });
    event("content_block_stop", { index });
    index++;
  };
  const cut = (text: string): readonly string[] => pieces(text, style.deltaSizes);

  event("message_start", {
    message: {
      id: "msg_77",
      type: "message",
      role: "assistant",
      model: "served",
      content: [],
      stop_reason: null,
      stop_sequence: null,
      usage: { ...anthropicUsage(reply), output_tokens: 1 },
    },
  });
  event("ping", {});
  if (reply.reasoning !== "") {
    block({ type: "thinking", thinking: "", signature: "" }, [
      ...cut(reply.reasoning).map((thinking) => ({ type: "thinking_delta", thinking })),
      { type: "signature_delta", signature: SIGNATURE },
    ]);
  }
  if (reply.text !== "") {
    block(
      { type: "text", text: "" },
      cut(reply.text).map((text) => ({ type: "text_delta", text })),
    );
  }
  for (const { id, name, input } of reply.toolCalls) {
    block({ type: "tool_use", id, name, input: {} }, [
      { type: "input_json_delta", partial_json: "" },
      ...cut(json(input, style)).map((partial) => ({ type: "input_json_delta", partial_json: partial })),
    ]);
  }
  event("message_delta", {
    delta: { stop_reason: ANTHROPIC_STOP[reply.finish], stop_sequence: null },
    usage: { output_tokens: reply.usage.output },
  });
  event("message_stop", {});
  return frames(events, style);
}

/** @param includeUsage what the request asked of OpenAI's format: without it a stream tells no usage */
export function writeReply(
  wire: Wire,
  stream: boolean,
  reply: PlainReply,
  style: Style,
  includeUsage: boolean,
): string {
  if (wire === "openai") return stream ? openaiStream(reply, style, includeUsage) : openaiPlain(reply, style);
  return stream ? anthropicStream(reply, style) : anthropicPlain(reply, style);
}
