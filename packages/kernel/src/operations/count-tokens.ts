import type { ChatRequest } from "../chat/request.ts";
import type { NativeResult } from "../native.ts";

/** A question about the size of a chat request. */
export interface CountTokensRequest {
  readonly model: string;
  /** The chat request whose input is to be counted. */
  readonly chat: ChatRequest;
}

/** The size of a chat request's input. */
export interface CountTokensResult {
  readonly inputTokens: number;
  /** Counted by a rule of thumb, not by the model's own tokenizer. */
  readonly estimated?: boolean;
  readonly native?: NativeResult;
}
