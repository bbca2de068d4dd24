import type { CanonicalChatEvent, ChatResult, FrameDecoder, Usage } from "@signalbox/kernel";
import { ChatFold } from "@signalbox/kernel";
import type { SseEvent } from "@signalbox/kernel/http";
import { SseDecoder } from "@signalbox/kernel/http";
import { ChunkDecoder } from "./chat-events.ts";
import type { ReplyContext } from "./chat-result.ts";
import { chunkOf, DONE_DATA } from "./chunks.ts";

export const CHAT_DIALECT = "openai-chat";

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
