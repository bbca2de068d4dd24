import type { Call } from "../../call.ts";
import type { OperationName, RequestOf, ResultOf } from "../../operation.ts";
import type { FindContext, Finding } from "../text-finder.ts";

/** What is sent to a service. */
export interface RemoteRequest {
  /** Whole address. It is the operator's own: plain http and private addresses are his choice. */
  readonly url: string;
  /** Default POST. */
  readonly method?: "POST" | "PUT";
  /** Undefined ones are left out. None of the client's are added. */
  readonly headers?: Readonly<Record<string, string | undefined>>;
  /** Written as JSON; a string is JSON already. */
  readonly body: string | object;
}

/** One question to a service: for whom, and how to send it. */
export interface RemoteQuestion extends Omit<FindContext, "upTo" | "kind"> {
  /** Fires when the caller leaves, the time is over, or the answer is of no use any more. */
  readonly signal: AbortSignal;
  /** How long the answer may take, in milliseconds. */
  readonly timeoutMs: number;
  /** Sends over the gateway's transport; answers the JSON of a reply of status 2xx, and throws for all others. */
  send(request: RemoteRequest): Promise<unknown>;
  /**
   * Asks a model of the gateway itself. The caller pays for it, but needs no grant for the model; guardrails do not look at
   * questions of guardrails.
   */
  ask<Name extends OperationName>(operation: Name, request: RequestOf<Name>): Promise<ResultOf<Name>>;
}

/** What a service says about one text; nothing, where it has nothing against it. */
export interface Judgement {
  /** About pieces of it, with places in UTF-16 code units (`utf16Offsets` turns code points into them). */
  readonly findings?: readonly Finding[];
  /** About all of it. */
  readonly categories?: readonly Pick<Finding, "kind" | "confidence" | "reason">[];
  /** The text with what is to be masked replaced. */
  readonly text?: string;
}

/** A service that judges texts, as `remoteGuardrail` uses it. */
export interface TextJudge {
  /** Most texts of one question. Default 1. */
  readonly maxTexts?: number;
  /** Longest text it takes, in UTF-16 code units; longer ones are split, with overlap. Default 100,000. */
  readonly maxCharacters?: number;
  /** It looks at whole requests: asked with no texts at all where there are none. Default false. */
  readonly wholeRequests?: boolean;
  /** What else its answers depend on, as text: part of the key under which they are kept. Default: nothing. */
  keyOf?(call: Call, mode: "input" | "output"): string;
  /** Judges each text, in their order. What it throws is an outage. */
  judge(texts: readonly string[], question: RemoteQuestion): Promise<readonly Judgement[]>;
}
