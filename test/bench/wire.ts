// What travels in the benchmarks. Sizes are those of everyday traffic: about 1 kB of request, about 1 kB of reply,
// streams of 100 chunks with one word each.

const CHUNKS = 100;

const ANSWER =
  "Three causes fit what you describe, the likeliest first. The fallback group has lost one of its two deployments, so " +
  "the other one takes all of the traffic and queues it: compare its running calls with its limit. The cache answers " +
  "less often since the deploy, so more calls reach the models: look for a changed prompt prefix. Retries add to both: " +
  "count the attempts per call before and after the deploy, and lower the limit for a while if there are more of them.";

const words: readonly string[] = ANSWER.split(" ");

export interface ChatBody {
  readonly model: string;
  readonly stream: boolean;
  /** Asks the upstream for one chunk per 10 ms. */
  readonly paced: boolean;
}

/** Stands in the last message, because every gateway leaves that alone. */
export const SLOWLY = "Take your time.";

/** A chat request of an OpenAI client. */
export function chatBody({ model, stream, paced }: ChatBody): string {
  return JSON.stringify({
    model,
    ...(stream && { stream, stream_options: { include_usage: true } }),
    temperature: 0.2,
    max_tokens: 300,
    messages: [
      {
        role: "system",
        content:
          "You help the engineers on call for a platform that routes requests to language models. Answer in plain " +
          "text and in fewer than 120 words. Name the likeliest cause first, say how to check it, and never invent a " +
          "metric, a flag or a command. If something that you need is missing, ask one short question at the end.",
      },
      {
        role: "user",
        content:
          "Since the deploy at 14:05 the slowest hundredth of our chat calls takes 2.3 s, while the median has not " +
          "moved. The vendor reports no incident. The budget stands at 63 percent, the share of cache hits fell from " +
          "31 to 4 percent, and one of two deployments in the fallback group has been cooling down for ten minutes. " +
          `What are the three likeliest causes, and what is one check for each of them?${paced ? ` ${SLOWLY}` : ""}`,
      },
    ],
  });
}

const OPENAI_USAGE = {
  prompt_tokens: 221,
  completion_tokens: 97,
  total_tokens: 318,
  prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
  completion_tokens_details: { reasoning_tokens: 0, audio_tokens: 0 },
};

export function openaiReply(): string {
  return JSON.stringify({
    id: "chatcmpl-bench",
    object: "chat.completion",
    created: 1760000000,
    model: "bench-1",
    choices: [
      {
        index: 0,
        message: { role: "assistant", content: ANSWER, refusal: null, annotations: [] },
        logprobs: null,
        finish_reason: "stop",
      },
    ],
    usage: OPENAI_USAGE,
    service_tier: "default",
    system_fingerprint: "fp_bench",
  });
}

/** Server-sent events, each as one piece; the first and the last are not among the `CHUNKS`. */
export function openaiStream(): string[] {
  const chunk = (choices: readonly object[], more: object = {}): string =>
    `data: ${JSON.stringify({
      id: "chatcmpl-bench",
      object: "chat.completion.chunk",
      created: 1760000000,
      model: "bench-1",
      service_tier: "default",
      system_fingerprint: "fp_bench",
      choices,
      ...more,
    })}\n\n`;
  const delta = (content: object, finish: string | null = null): object => ({
    index: 0,
    delta: content,
    logprobs: null,
    finish_reason: finish,
  });
  return [
    chunk([delta({ role: "assistant", content: "", refusal: null })]),
    ...textPieces().map((content) => chunk([delta({ content })])),
    [chunk([delta({}, "stop")]), chunk([], { usage: OPENAI_USAGE }), "data: [DONE]\n\n"].join(""),
  ];
}

const ANTHROPIC_USAGE = {
  input_tokens: 221,
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: 0,
  output_tokens: 97,
  service_tier: "standard",
};

export function anthropicReply(): string {
  return JSON.stringify({
    id: "msg_bench",
    type: "message",
    role: "assistant",
    model: "bench-1",
    content: [{ type: "text", text: ANSWER }],
    stop_reason: "end_turn",
    stop_sequence: null,
    usage: ANTHROPIC_USAGE,
  });
}

export function anthropicStream(): string[] {
  const event = (data: { readonly type: string; readonly [member: string]: unknown }): string =>
    `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`;
  const message = {
    id: "msg_bench",
    type: "message",
    role: "assistant",
    model: "bench-1",
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage: { ...ANTHROPIC_USAGE, output_tokens: 1 },
  };
  return [
    event({ type: "message_start", message }) +
      event({ type: "content_block_start", index: 0, content_block: { type: "text", text: "" } }),
    ...textPieces().map((text) =>
      event({ type: "content_block_delta", index: 0, delta: { type: "text_delta", text } }),
    ),
    event({ type: "content_block_stop", index: 0 }) +
      event({
        type: "message_delta",
        delta: { stop_reason: "end_turn", stop_sequence: null },
        usage: { output_tokens: 97 },
      }) +
      event({ type: "message_stop" }),
  ];
}

function textPieces(): string[] {
  return Array.from({ length: CHUNKS }, (_, index) => `${words[index % words.length]} `);
}
