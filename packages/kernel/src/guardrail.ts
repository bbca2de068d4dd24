import type { Call } from "./call.ts";
import type { OperationName, RequestOf, ResultOf } from "./operation.ts";

/** What a guardrail says about a whole request or result. */
export type Verdict<Value> =
  | { readonly action: "allow" }
  | { readonly action: "rewrite"; readonly value: Value; readonly reason: string }
  | Block;

/** The verdict that ends a call with `guardrail_blocked`. */
export interface Block {
  readonly action: "block";
  /** For the client: what kind of content, not the content itself. */
  readonly reason: string;
  readonly category?: string;
}

/** Text of one part of a streamed answer that is not released yet. */
export interface TextWindow {
  /** Not yet released, in order. */
  readonly text: string;
  /** The last released characters of the same part (at most 256), for patterns that look back. As the model wrote them. */
  readonly before: string;
  /** No more text follows: everything must be released or blocked. */
  readonly final: boolean;
  readonly choice: number;
  readonly kind: "text" | "reasoning" | "refusal" | "arguments";
}

/** `consume` the first n UTF-16 code units of the window and send `text` (default: the same characters) in their place. */
export type WindowVerdict = { readonly action: "release"; readonly consume: number; readonly text?: string } | Block;

/**
 * A check of what goes in and what comes out. The kernel turns it into a layer of the stage `guard`, for every
 * operation and for streams and plain replies alike:
 *
 * - `window` (default with `checkWindow`): text is released only when no pattern can still extend over it; a masked
 *   answer is the same for every split of the same text. For plain replies the window is the whole text.
 * - `hold` (default with `checkResult` alone): the stream is kept back until the whole result has been checked.
 * - `observe`: the stream passes; `checkResult` runs after it, and a block is only noted in the trace.
 *
 * A guardrail that throws blocks the call with `guardrail_unavailable`, unless `failOpen` is set.
 */
export interface Guardrail {
  readonly name: string;
  readonly streaming?: "hold" | "window" | "observe";
  readonly failOpen?: boolean;
  checkRequest?<Name extends OperationName>(
    call: Call<Name>,
  ): Verdict<RequestOf<Name>> | Promise<Verdict<RequestOf<Name>>>;
  checkResult?<Name extends OperationName>(
    call: Call<Name>,
    result: ResultOf<Name>,
  ): Verdict<ResultOf<Name>> | Promise<Verdict<ResultOf<Name>>>;
  checkWindow?(call: Call, window: TextWindow): WindowVerdict | Promise<WindowVerdict>;
}

/** The verdict of a guardrail that has nothing against it. */
export const ALLOW: { readonly action: "allow" } = { action: "allow" };
