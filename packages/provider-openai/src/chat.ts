import type { Attempt, CanonicalChatEvent, ChatResult, NativeRequest, Reply, TransportStream } from "@signalbox/kernel";
import { ChatFold, forwardedChatResult, nativeChatResult, nativeRequest } from "@signalbox/kernel";
import type { JsonObject, SseEvent } from "@signalbox/kernel/http";
import { SseDecoder, SseFrameSplitter } from "@signalbox/kernel/http";
import { ChunkDecoder } from "./chat-events.ts";
import { chatBody } from "./chat-request.ts";
import type { ReplyContext } from "./chat-result.ts";
import { chatResult, usageOf } from "./chat-result.ts";
import { choicesError, chunkOf, DONE_DATA, isEventStream, replyOfBody } from "./chunks.ts";
import { bodyFailure, incompleteStream, upstreamFailure } from "./errors.ts";
import { CHAT_DIALECT, ChatFrameDecoder } from "./native-chat.ts";
import { FrameWatch } from "./native-frames.ts";
import { carriesBlocks, nativeChatBody, saysTheSame } from "./native-request.ts";
import type { WholeStream, WireConfig } from "./wire.ts";
import { isSuccess, whole, wireRequest } from "./wire.ts";

/**
 * Chat over `POST /chat/completions`. A client's own bytes are forwarded when they say to this host what the request
 * means; anything else is encoded from the canonical form.
 */
export function chatOperation(config: WireConfig): (attempt: Attempt<"chat">) => Reply<"chat"> {
  const { profile } = config;
  const origin = profile.reasoning?.origin ?? profile.name;

  function contextOf(attempt: Attempt<"chat">): ReplyContext {
    return { profile, origin, audioFormat: attempt.request.audio?.format };
  }

  return function chat(attempt) {
    const native = nativeRequest(attempt, CHAT_DIALECT);
    if (native !== undefined) {
      const rules = config.rulesOf(attempt.upstreamModel);
      if (!carriesBlocks(native) && saysTheSame(attempt.request, profile, rules)) {
        return attempt.request.stream === true
          ? nativeStream(config, attempt, native, contextOf(attempt))
          : nativeReply(config, attempt, native, contextOf(attempt));
      }
      attempt.record.lane = "translated";
    }
    return attempt.request.stream === true
      ? translatedStream(config, attempt, contextOf(attempt))
      : translatedReply(config, attempt, contextOf(attempt));
  };
}

/** Checks a whole reply and parses it. @throws {GatewayError} what the host reports instead of an answer */
function readReply(config: WireConfig, response: { body: Buffer; headers: TransportStream["headers"] }): JsonObject {
  const { profile } = config;
  const wire = replyOfBody(response.body, "choices", profile, response.headers);
  const failed = choicesError(wire);
  if (failed !== undefined) throw bodyFailure(profile, failed, response.headers);
  return wire;
}

// biome-ignore lint/correctness/useYield: a reply without events is a reply
async function* nativeReply(
  config: WireConfig,
  attempt: Attempt<"chat">,
  native: NativeRequest,
  context: ReplyContext,
): Reply<"chat"> {
  const { body } = nativeChatBody(attempt, native, config);
  const request = await wireRequest(config, attempt, "chat", body, native.headers);
  const response = await attempt.transport.send(request);
  if (!isSuccess(response.status)) throw upstreamFailure(config.profile, response);
  return nativeChatResult(chatResult(readReply(config, response), context), {
    dialect: CHAT_DIALECT,
    body: response.body,
  });
}

// biome-ignore lint/correctness/useYield: a reply without events is a reply
async function* translatedReply(config: WireConfig, attempt: Attempt<"chat">, context: ReplyContext): Reply<"chat"> {
  const body = chatBody(attempt, config.profile, config.rulesOf(attempt.upstreamModel));
  const request = await wireRequest(config, attempt, "chat", JSON.stringify(body));
  const response = await attempt.transport.send(request);
  if (!isSuccess(response.status)) throw upstreamFailure(config.profile, response);
  return chatResult(readReply(config, response), context);
}

async function* nativeStream(
  config: WireConfig,
  attempt: Attempt<"chat">,
  native: NativeRequest,
  context: ReplyContext,
): Reply<"chat"> {
  const { profile } = config;
  const { body, hideUsage } = nativeChatBody(attempt, native, config);
  const request = await wireRequest(config, attempt, "chat", body, native.headers);
  const stream = await attempt.transport.open(request);
  try {
    if (!isSuccess(stream.status)) throw upstreamFailure(profile, await whole(stream));
    if (!isEventStream(stream.headers)) return yield* unstreamed(config, await whole(stream), context, true);
    const splitter = new SseFrameSplitter();
    const watch = new FrameWatch(hideUsage);
    const decoder = new ChatFrameDecoder(context);
    for (;;) {
      const bytes = await stream.read();
      const frames = bytes === undefined ? splitter.end() : splitter.push(bytes);
      if (frames !== undefined) {
        const seen = watch.inspect(frames);
        if (seen !== undefined) yield { type: "frame", dialect: CHAT_DIALECT, bytes: seen, decoder };
        if (watch.error !== undefined) throw bodyFailure(profile, watch.error, stream.headers);
      }
      if (bytes === undefined) break;
    }
    if (!watch.complete) throw incompleteStream(profile);
    const chunk = watch.chunk() ?? {};
    if (hideUsage) decoder.usage = usageOf(chunk, profile);
    return forwardedChatResult(chatResult({ ...chunk, choices: [] }, context), CHAT_DIALECT);
  } finally {
    stream.close();
  }
}

async function* translatedStream(config: WireConfig, attempt: Attempt<"chat">, context: ReplyContext): Reply<"chat"> {
  const { profile } = config;
  const body = chatBody(attempt, profile, config.rulesOf(attempt.upstreamModel));
  const request = await wireRequest(config, attempt, "chat", JSON.stringify(body));
  const stream = await attempt.transport.open(request);
  try {
    if (!isSuccess(stream.status)) throw upstreamFailure(profile, await whole(stream));
    if (!isEventStream(stream.headers)) return yield* unstreamed(config, await whole(stream), context, false);
    const reader = new StreamReader(context);
    for (;;) {
      const bytes = await stream.read();
      for (const event of bytes === undefined ? reader.end() : reader.push(bytes)) yield event;
      if (bytes === undefined) return reader.result();
    }
  } finally {
    stream.close();
  }
}

/** Decodes a stream and keeps what it says. */
class StreamReader {
  readonly #context: ReplyContext;
  readonly #sse: SseDecoder = new SseDecoder();
  readonly #chunks: ChunkDecoder;
  readonly #fold: ChatFold = new ChatFold();

  constructor(context: ReplyContext) {
    this.#context = context;
    this.#chunks = new ChunkDecoder(context);
  }

  push(bytes: Buffer): Generator<CanonicalChatEvent, void> {
    return this.#decode(this.#sse.push(bytes));
  }

  end(): Generator<CanonicalChatEvent, void> {
    return this.#decode(this.#sse.end());
  }

  /** @throws {GatewayError} `provider_error` for a stream that broke off */
  result(): ChatResult {
    if (!this.#fold.complete) throw incompleteStream(this.#context.profile);
    return this.#fold.result();
  }

  /** Chunk by chunk: what came before a failure is told, also when both came in one piece. */
  *#decode(frames: readonly SseEvent[]): Generator<CanonicalChatEvent, void> {
    for (const { data } of frames) {
      const chunk = chunkOf(data, this.#context.profile);
      const events = chunk === undefined ? this.#ended(data) : this.#chunks.push(chunk);
      for (const event of events) {
        this.#fold.push(event);
        yield event;
      }
    }
  }

  #ended(data: string): readonly CanonicalChatEvent[] {
    return data === DONE_DATA ? this.#chunks.finish() : [];
  }
}

/** A host that answers a request for a stream in one piece, or streams under another content type. */
async function* unstreamed(
  config: WireConfig,
  response: WholeStream,
  context: ReplyContext,
  native: boolean,
): Reply<"chat"> {
  if (response.body.subarray(0, SNIFFED_BYTES).toString().trimStart().startsWith("data:")) {
    const reader = new StreamReader(context);
    const events = [...reader.push(response.body), ...reader.end()];
    const result = reader.result();
    yield* events;
    return result;
  }
  const result = chatResult(readReply(config, response), context);
  return native ? nativeChatResult(result, { dialect: CHAT_DIALECT, body: response.body }) : result;
}

const SNIFFED_BYTES = 64;
