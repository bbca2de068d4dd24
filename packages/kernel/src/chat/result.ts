import type { NativeResult } from "../native.ts";
import type { Usage } from "../usage.ts";
import type { Extra, Part } from "./part.ts";

/** `error`: the provider gave up in the middle of its answer. */
export type FinishReason = "stop" | "length" | "toolCalls" | "contentFilter" | "error";

/** OpenAI's token log probabilities, as they came. */
export interface Logprobs {
  readonly content?: readonly unknown[] | null;
  readonly refusal?: readonly unknown[] | null;
}

/** One of the answers to a chat request. */
export interface Choice {
  readonly index: number;
  /** What the assistant said, in order. */
  readonly content: readonly Part[];
  readonly finishReason: FinishReason;
  /** The provider's own word, when it is finer than ours. */
  readonly nativeFinishReason?: string;
  /** The stop sequence that ended the text. */
  readonly stopSequence?: string;
  readonly logprobs?: Logprobs | null;
  readonly extra?: Extra;
}

/** A whole answer to a chat request; for a stream what its events add up to. */
export interface ChatResult {
  readonly id: string;
  /** The model's name as the provider reports it. */
  readonly model: string;
  /** Epoch seconds. */
  readonly createdAt: number;
  readonly choices: readonly Choice[];
  readonly usage: Usage;
  readonly serviceTier?: string;
  readonly extra?: Extra;
  /** Set in the native lane: the reply as the provider wrote it. */
  readonly native?: NativeResult;
}
