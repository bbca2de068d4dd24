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

/** The verdict that sends a request to another model: the one asked for is what the caller must be granted. */
export interface Reroute<Value> {
  readonly action: "reroute";
  /** A public model name. */
  readonly model: string;
  /** In place of the request, where that changes too. */
  readonly value?: Value;
  readonly reason: string;
}

/** The verdict that asks the model once more. Only where the whole reply is held; a second one of a call blocks. */
export interface AskAgain<Request> {
  readonly action: "again";
  readonly request: Request;
  /** As of a block: what it says if the second answer is no better. */
  readonly reason: string;
  readonly category?: string;
}

/**
 * For which calls a guardrail runs. Without one: for all. A caller adds what is not on by `"guardrails": ["name"]`, and
 * turns off with `"-name"` what is on, if `Principal.guardrails.off` grants that (or it is an admin).
 */
export interface GuardrailRuns {
  /** Default true: on where nobody asks. Lists of callers below name those for whom it is on; then this means nothing. */
  readonly defaultOn?: boolean;
  /** Public model names and wildcards; for others it is only on when asked for. */
  readonly models?: readonly string[];
  readonly keys?: readonly string[];
  readonly users?: readonly string[];
  readonly teams?: readonly string[];
  readonly organizations?: readonly string[];
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
  /** Of `arguments`: the tool that is called. Its last window comes even when there is no text at all. */
  readonly tool?: string;
}

/** `consume` the first n UTF-16 code units of the window and send `text` (default: the same characters) in their place. */
export type WindowVerdict = { readonly action: "release"; readonly consume: number; readonly text?: string } | Block;

/** What a check of a request may answer. */
export type RequestVerdict<Name extends OperationName> = Verdict<RequestOf<Name>> | Reroute<RequestOf<Name>>;

/** What a check of a result may answer. */
export type ResultVerdict<Name extends OperationName> = Verdict<ResultOf<Name>> | AskAgain<RequestOf<Name>>;

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
  /** Longest time for one check; then it has failed. Default: none but the call's own. */
  readonly timeoutMs?: number;
  /** For which calls; default: all. */
  readonly runs?: GuardrailRuns;
  /**
   * `checkRequest` runs beside the call instead of before it. Nothing is released before its verdict; one that changes the
   * call gives the reply up and starts again.
   */
  readonly parallel?: boolean;
  /** Only says in the trace what it would do (`trace.guard`). Delays nothing: replies are checked when they are over. */
  readonly dryRun?: boolean;
  checkRequest?<Name extends OperationName>(call: Call<Name>): RequestVerdict<Name> | Promise<RequestVerdict<Name>>;
  checkResult?<Name extends OperationName>(
    call: Call<Name>,
    result: ResultOf<Name>,
  ): ResultVerdict<Name> | Promise<ResultVerdict<Name>>;
  checkWindow?(call: Call, window: TextWindow): WindowVerdict | Promise<WindowVerdict>;
}

/** The verdict of a guardrail that has nothing against it. */
export const ALLOW: { readonly action: "allow" } = { action: "allow" };
