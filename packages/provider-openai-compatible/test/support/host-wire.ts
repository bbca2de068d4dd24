import type { Exchange } from "@signalbox/kernel/testkit";

/** Tokens of one call, all of input and output included. */
export interface Counts {
  readonly input: number;
  readonly output: number;
  readonly cached?: number;
  readonly reasoning?: number;
}

/** What an answer says, whichever host gives it. */
export interface Said {
  readonly text?: string;
  readonly reasoning?: string;
  readonly refusal?: string;
  readonly calls?: readonly { readonly id: string; readonly city: string }[];
  readonly finish: string;
  readonly counts: Counts;
}

/** How a host writes an answer, where it differs from OpenAI. */
export interface HostStyle {
  readonly usage: (counts: Counts) => object;
  /** Where a stream has its usage. Default `after`: in a chunk of its own, without choices. */
  readonly usagePlace?: "after" | "last" | "x_groq" | "empty choice";
  /** Members of every reply and chunk. */
  readonly head?: object;
  /** Members of the first chunk. */
  readonly firstChunk?: object;
  /** Members of a whole message besides those that say something. */
  readonly message?: object;
  /** Members of a delta besides those that say something. */
  readonly delta?: object;
  readonly reasoning?: (text: string) => object;
  /** Members of a choice that has ended. */
  readonly ending?: (finish: string) => object;
  /** Comments before the first chunk. */
  readonly comments?: string;
}

const ID = { id: "c-1", created: 1_793_000_000, model: "host-model" };

function toolCall(id: string, city: string): object {
  return { id, type: "function", function: { name: "get_weather", arguments: JSON.stringify({ city }) } };
}

function reasoningOf(style: HostStyle, text: string): object {
  return style.reasoning?.(text) ?? { reasoning_content: text };
}

function endingOf(style: HostStyle, finish: string): object {
  return style.ending?.(finish) ?? { finish_reason: finish };
}

/** The whole reply. */
export function hostReply(style: HostStyle, said: Said): Exchange {
  const { text, reasoning, refusal, calls, finish, counts } = said;
  const message = {
    role: "assistant",
    ...style.message,
    ...(reasoning !== undefined && reasoningOf(style, reasoning)),
    content: text ?? null,
    ...(refusal !== undefined && { refusal }),
    ...(calls !== undefined && { tool_calls: calls.map(({ id, city }) => toolCall(id, city)) }),
  };
  return {
    body: {
      ...ID,
      object: "chat.completion",
      ...style.head,
      choices: [{ index: 0, message, logprobs: null, ...endingOf(style, finish) }],
      usage: style.usage(counts),
    },
  };
}

/** The chunks of a stream, text and reasoning a character at a time. */
export function hostChunks(style: HostStyle, said: Said): readonly object[] {
  const { text = "", reasoning = "", refusal = "", calls = [], finish, counts } = said;
  const usage = style.usage(counts);
  const chunk = (members: object): object => ({ ...ID, object: "chat.completion.chunk", ...style.head, ...members });
  const choice = (delta: object, ending: object = { finish_reason: null }): object => ({
    choices: [{ index: 0, delta: { ...style.delta, ...delta }, logprobs: null, ...ending }],
  });
  const deltas = [
    ...[...reasoning].map((piece) => reasoningOf(style, piece)),
    ...[...text].map((content) => ({ content })),
    ...[...refusal].map((piece) => ({ refusal: piece })),
    ...calls.flatMap(({ id, city }, index) => [
      { tool_calls: [{ index, id, type: "function", function: { name: "get_weather", arguments: "" } }] },
      { tool_calls: [{ index, function: { arguments: '{"city":' } }] },
      { tool_calls: [{ index, function: { arguments: `${JSON.stringify(city)}}` } }] },
    ]),
  ];
  const place = style.usagePlace ?? "after";
  return [
    chunk({ ...choice({ role: "assistant", content: "" }), ...style.firstChunk }),
    ...deltas.map((delta) => chunk(choice(delta))),
    chunk({
      ...choice({}, endingOf(style, finish)),
      ...(place === "last" && { usage }),
      ...(place === "x_groq" && { x_groq: { id: "req_1", usage } }),
    }),
    ...(place === "after" ? [chunk({ choices: [], usage })] : []),
    ...(place === "empty choice" ? [chunk({ ...choice({ role: "assistant", content: "" }), usage })] : []),
  ];
}

export function frames(chunks: readonly object[]): string {
  return chunks.map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`).join("");
}

/** The stream, ended as all hosts end it. */
export function hostStream(style: HostStyle, said: Said): Exchange {
  return { bodyText: `${style.comments ?? ""}${frames(hostChunks(style, said))}data: [DONE]\n\n` };
}
