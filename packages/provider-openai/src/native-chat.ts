import type { CanonicalChatEvent, ChatResult, FrameDecoder, Usage } from "@signalbox/kernel";
import { ChatFold } from "@signalbox/kernel";
import type { SseEvent } from "@signalbox/kernel/http";
import { SseDecoder } from "@signalbox/kernel/http";
import { ChunkDecoder } from "./chat-events.ts";
import type { ReplyContext } from "./chat-result.ts";
import { chatResult, choicesOf, createdOf, topExtra, usageOf } from "./chat-result.ts";
import { chunkOf, DONE_DATA } from "./chunks.ts";
import type { Json } from "./json.ts";
import { textIn } from "./json.ts";

export const CHAT_DIALECT = "openai-chat";

/** Hides `native` from spreading: a copy with other content must not carry the old bytes. */
function withNative<Result extends object>(result: Result, dialect: string, body: Buffer | undefined): Result {
  return Object.defineProperty(result, "native", {
    value: { dialect, ...(body !== undefined && { body }) },
    enumerable: false,
  });
}

/**
 * A reply in the client's own dialect. What everybody reads is there at once; content is decoded when it is asked for.
 * `native` is not enumerable, so that a changed copy loses it and is encoded anew.
 */
export function nativeChatResult(wire: Json, body: Buffer, context: ReplyContext): ChatResult {
  const tier = textIn(wire["service_tier"]);
  let choices: ChatResult["choices"] | undefined;
  const result = {
    id: textIn(wire["id"]) ?? "",
    model: textIn(wire["model"]) ?? "",
    createdAt: createdOf(wire["created"]),
    get choices() {
      choices ??= choicesOf(wire, context);
      return choices;
    },
    usage: usageOf(wire, context.profile),
    ...(tier !== undefined && { serviceTier: tier }),
    get extra() {
      return topExtra(wire);
    },
  };
  return withNative(result as ChatResult, CHAT_DIALECT, body);
}

/** What is known of a stream whose frames went to the client unread: its content is not kept. */
export function forwardedChatResult(chunk: Json, context: ReplyContext): ChatResult {
  const { choices: _, ...known } = chatResult({ ...chunk, choices: [] }, context);
  const result = Object.defineProperty(known, "choices", {
    get(): never {
      throw new Error("the content of a forwarded stream is not kept: read its events to have it");
    },
    enumerable: false,
  });
  return withNative(result as ChatResult, CHAT_DIALECT, undefined);
}

/** Decodes the frames of one stream, once somebody reads them. */
export class ChatFrameDecoder implements FrameDecoder<CanonicalChatEvent, ChatResult> {
  readonly #context: ReplyContext;
  #sse: SseDecoder | undefined;
  #chunks: ChunkDecoder | undefined;
  readonly #fold: ChatFold = new ChatFold();
  /** Counts from a chunk that was kept from the client. */
  usage: Usage | undefined;

  constructor(context: ReplyContext) {
    this.#context = context;
  }

  push(bytes: Buffer): readonly CanonicalChatEvent[] {
    this.#sse ??= new SseDecoder();
    return this.#decode(this.#sse.push(bytes));
  }

  end(): ChatResult {
    const result = this.#fold.result();
    return this.usage === undefined ? result : { ...result, usage: this.usage };
  }

  #decode(frames: readonly SseEvent[]): readonly CanonicalChatEvent[] {
    this.#chunks ??= new ChunkDecoder(this.#context);
    const events: CanonicalChatEvent[] = [];
    for (const { data } of frames) {
      const chunk = chunkOf(data, this.#context.profile);
      if (chunk !== undefined) events.push(...this.#chunks.push(chunk));
      else if (data === DONE_DATA) events.push(...this.#chunks.finish());
    }
    for (const event of events) this.#fold.push(event);
    return events;
  }
}
