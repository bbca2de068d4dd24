import type { NativeFrame } from "../native.ts";
import type { Usage } from "../usage.ts";
import type { Citation, Extra, Part } from "./part.ts";
import type { FinishReason, Logprobs } from "./result.ts";

/** What is added to an open part. */
export type PartDelta =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "refusal"; readonly text: string }
  | { readonly type: "reasoning"; readonly text: string }
  | { readonly type: "signature"; readonly signature: string }
  | { readonly type: "arguments"; readonly text: string }
  | { readonly type: "citation"; readonly citation: Citation }
  | { readonly type: "audio"; readonly data?: string; readonly transcript?: string; readonly expiresAt?: number }
  /** A piece that only the vendor's own dialect understands. */
  | { readonly type: "opaque"; readonly origin: string; readonly value: Readonly<Record<string, unknown>> };

/** The first event of a streamed answer. */
export interface ReplyStart {
  readonly type: "replyStart";
  readonly id: string;
  readonly model: string;
  /** Epoch seconds. */
  readonly createdAt: number;
  /** Counts known before the answer begins: Anthropic reports its input here. */
  readonly usage?: Usage;
  readonly serviceTier?: string;
  readonly extra?: Extra;
}

/** Opens a part: its fixed fields, with empty text or arguments. A part that arrives whole has no deltas. */
export interface PartStart {
  readonly type: "partStart";
  readonly choice: number;
  /** Position in the choice's content, counted from 0. */
  readonly index: number;
  readonly part: Part;
}

/** More of a part that has started. */
export interface PartDeltaEvent {
  readonly type: "partDelta";
  readonly choice: number;
  readonly index: number;
  readonly delta: PartDelta;
  readonly logprobs?: Logprobs | null;
}

/** A part is complete: no delta for it follows. */
export interface PartEnd {
  readonly type: "partEnd";
  readonly choice: number;
  readonly index: number;
}

/** A choice is complete, and why. Every choice has exactly one, after all its parts. */
export interface ChoiceEnd {
  readonly type: "choiceEnd";
  readonly choice: number;
  readonly finishReason: FinishReason;
  readonly nativeFinishReason?: string;
  readonly stopSequence?: string;
  readonly extra?: Extra;
}

/** The usage so far, cumulative: the last one counts. */
export interface UsageUpdate {
  readonly type: "usageUpdate";
  readonly usage: Usage;
  readonly serviceTier?: string;
  readonly extra?: Extra;
}

/** An event of a streamed answer in the canonical form. Parts of one choice may be open at the same time. */
export type CanonicalChatEvent = ReplyStart | PartStart | PartDeltaEvent | PartEnd | ChoiceEnd | UsageUpdate;

/** What travels through the layers: canonical events, or in the native lane frames that nobody has read yet. */
export type ChatEvent = CanonicalChatEvent | NativeFrame<CanonicalChatEvent>;
