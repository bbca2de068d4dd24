import type { Extra } from "../chat/part.ts";
import type { FinishReason } from "../chat/result.ts";
import type { NativeFrame, NativeResult } from "../native.ts";
import type { Usage } from "../usage.ts";

/** Text completion: the older form, one prompt instead of a conversation. */
export interface CompleteRequest {
  readonly model: string;
  /** One or several prompts, as text or token ids; each gets its own choices. */
  readonly prompts: readonly (string | readonly number[])[];
  readonly suffix?: string;
  readonly stream?: boolean;
  readonly maxOutputTokens?: number;
  readonly temperature?: number;
  readonly topP?: number;
  readonly stop?: readonly string[];
  readonly seed?: number;
  readonly frequencyPenalty?: number;
  readonly presencePenalty?: number;
  readonly logitBias?: Readonly<Record<string, number>>;
  /** How many alternatives to log per token. */
  readonly logprobs?: number;
  readonly choiceCount?: number;
  readonly bestOf?: number;
  readonly echo?: boolean;
  readonly user?: string;
  readonly extra?: Extra;
}

/** One continuation of the prompt. */
export interface CompleteChoice {
  readonly index: number;
  readonly text: string;
  readonly finishReason: FinishReason;
  readonly logprobs?: unknown;
}

/** The start of the reply, a piece of a continuation, or its end. */
export type CompleteEvent =
  | { readonly type: "replyStart"; readonly id: string; readonly model: string; readonly createdAt: number }
  | { readonly type: "textDelta"; readonly choice: number; readonly text: string; readonly logprobs?: unknown }
  | { readonly type: "choiceEnd"; readonly choice: number; readonly finishReason: FinishReason }
  | NativeFrame;

/** The continuations of a prompt. */
export interface CompleteResult {
  readonly id: string;
  readonly model: string;
  /** Epoch seconds. */
  readonly createdAt: number;
  readonly choices: readonly CompleteChoice[];
  readonly usage: Usage;
  readonly extra?: Extra;
  readonly native?: NativeResult;
}
