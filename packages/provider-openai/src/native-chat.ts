import type { CanonicalChatEvent, ChatResult, Extra, FrameDecoder, NativeResult, Usage } from "@signalbox/kernel";
import { ChatFold } from "@signalbox/kernel";
import type { JsonObject, SseEvent } from "@signalbox/kernel/http";
import { SseDecoder } from "@signalbox/kernel/http";
import { ChunkDecoder } from "./chat-events.ts";
import type { ReplyContext } from "./chat-result.ts";
import { chatResult, choicesOf, createdOf, topExtra, usageOf } from "./chat-result.ts";
import { chunkOf, DONE_DATA } from "./chunks.ts";
import { textIn } from "./json.ts";

export const CHAT_DIALECT = "openai-chat";

/**
 * A reply in the client's own dialect. `native` is not a property of its own, so that a changed copy loses it and is
 * encoded anew.
 *
 * A class with plain fields: getters made anew for each reply would give each one a hidden class of its own, which the
 * engine keeps, with everything that it holds, until it collects the whole heap.
 */
class NativeChatResult implements ChatResult {
  readonly id: string;
  readonly model: string;
  readonly createdAt: number;
  readonly choices: ChatResult["choices"];
  readonly usage: Usage;
  readonly serviceTier?: string;
  readonly extra?: Extra;
  readonly #body: Buffer;

  constructor(wire: JsonObject, body: Buffer, context: ReplyContext) {
    this.id = textIn(wire["id"]) ?? "";
    this.model = textIn(wire["model"]) ?? "";
    this.createdAt = createdOf(wire["created"]);
    this.choices = choicesOf(wire, context);
    this.usage = usageOf(wire, context.profile);
    const tier = textIn(wire["service_tier"]);
    if (tier !== undefined) this.serviceTier = tier;
    const extra = topExtra(wire);
    if (extra !== undefined) this.extra = extra;
    this.#body = body;
  }

  get native(): NativeResult {
    return { dialect: CHAT_DIALECT, body: this.#body };
  }
}

export function nativeChatResult(wire: JsonObject, body: Buffer, context: ReplyContext): ChatResult {
  return new NativeChatResult(wire, body, context);
}

/** What is known of a stream whose frames went to the client unread: its content is not kept. */
class ForwardedChatResult implements ChatResult {
  readonly id: string;
  readonly model: string;
  readonly createdAt: number;
  readonly usage: Usage;
  readonly serviceTier?: string;
  readonly extra?: Extra;

  constructor({ id, model, createdAt, usage, serviceTier, extra }: ChatResult) {
    this.id = id;
    this.model = model;
    this.createdAt = createdAt;
    this.usage = usage;
    if (serviceTier !== undefined) this.serviceTier = serviceTier;
    if (extra !== undefined) this.extra = extra;
  }

  get choices(): never {
    throw new Error("the content of a forwarded stream is not kept: read its events to have it");
  }

  get native(): NativeResult {
    return { dialect: CHAT_DIALECT };
  }
}

export function forwardedChatResult(chunk: JsonObject, context: ReplyContext): ChatResult {
  return new ForwardedChatResult(chatResult({ ...chunk, choices: [] }, context));
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
