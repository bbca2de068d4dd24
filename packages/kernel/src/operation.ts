import type { ChatEvent } from "./chat/event.ts";
import type { ChatRequest } from "./chat/request.ts";
import type { ChatResult } from "./chat/result.ts";
import type {
  SpeakEvent,
  SpeakRequest,
  SpeakResult,
  TranscribeEvent,
  TranscribeRequest,
  TranscribeResult,
  TranslateRequest,
} from "./operations/audio.ts";
import type { CompleteEvent, CompleteRequest, CompleteResult } from "./operations/complete.ts";
import type { CountTokensRequest, CountTokensResult } from "./operations/count-tokens.ts";
import type { EmbedRequest, EmbedResult } from "./operations/embed.ts";
import type { EditImageRequest, GenerateImageRequest, ImageEvent, ImageResult } from "./operations/image.ts";
import type { ModerateRequest, ModerateResult } from "./operations/moderate.ts";
import type { RerankRequest, RerankResult } from "./operations/rerank.ts";

/** What a caller can ask for: a request goes in, zero or more events and exactly one result come out. */
export interface Operation<Request, Event, Result> {
  readonly request: Request;
  readonly event: Event;
  readonly result: Result;
}

/**
 * All operations. A package adds its own by module augmentation:
 *
 * ```ts
 * declare module "@signalbox/kernel" {
 *   interface Operations { search: Operation<SearchRequest, never, SearchResult> }
 * }
 * ```
 */
export interface Operations {
  chat: Operation<ChatRequest, ChatEvent, ChatResult>;
  complete: Operation<CompleteRequest, CompleteEvent, CompleteResult>;
  countTokens: Operation<CountTokensRequest, never, CountTokensResult>;
  embed: Operation<EmbedRequest, never, EmbedResult>;
  rerank: Operation<RerankRequest, never, RerankResult>;
  moderate: Operation<ModerateRequest, never, ModerateResult>;
  generateImage: Operation<GenerateImageRequest, ImageEvent, ImageResult>;
  editImage: Operation<EditImageRequest, ImageEvent, ImageResult>;
  speak: Operation<SpeakRequest, SpeakEvent, SpeakResult>;
  transcribe: Operation<TranscribeRequest, TranscribeEvent, TranscribeResult>;
  translate: Operation<TranslateRequest, TranscribeEvent, TranscribeResult>;
}

/** `chat`, `embed`, …: everything that a caller can ask for. */
export type OperationName = keyof Operations;
/** What goes into an operation. */
export type RequestOf<Name extends OperationName> = Operations[Name]["request"];
/** What an operation streams. */
export type EventOf<Name extends OperationName> = Operations[Name]["event"];
/** What comes out of an operation in the end. */
export type ResultOf<Name extends OperationName> = Operations[Name]["result"];

/**
 * The answer to a call: zero or more events, then exactly one result. Lazy: nothing happens before the first `next()`.
 * Read it with `yield*`, `transformReply` or `for await`, which close the upstream when the reader leaves early;
 * by hand only with a `finally` that calls `return()`.
 */
export type Reply<Name extends OperationName = OperationName> = AsyncGenerator<EventOf<Name>, ResultOf<Name>, void>;
