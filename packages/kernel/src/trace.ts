import type { ErrorCode } from "./errors.ts";
import type { NanoUsd } from "./money.ts";

/** Why a deployment was not tried. */
export interface Skip {
  readonly deployment: string;
  readonly reason: string;
  /** What the call fails with, when nothing else is left: `no_matching_deployment`, `rate_limit_exceeded`, … */
  readonly code?: ErrorCode;
  /** Until it can be tried again. */
  readonly retryAfterMs?: number;
  /** OpenAI error type where the code's is not exact: `tokens` for a limit of tokens. */
  readonly type?: string;
}

/** One try at one deployment. Times are milliseconds since the call began. */
export interface AttemptRecord {
  readonly ordinal: number;
  readonly deployment: string;
  readonly provider: string;
  readonly model: string;
  /** The public model whose deployment it is: another than the call's is a fallback. */
  readonly group: string;
  /** Of the deployment. */
  readonly region?: string | undefined;
  /** Why it was made, besides the first and its successors: `hedge`, `continuation`. */
  purpose?: "hedge" | "continuation";
  readonly startedMs: number;
  endedMs?: number;
  status?: number;
  code?: ErrorCode;
  /** `native`: the client's bytes were forwarded. `translated`: encoded from the canonical form. */
  lane: "native" | "translated";
}

/** Who has given an answer. */
export interface ServedBy {
  /** Public model name. */
  readonly model: string;
  readonly deployment: string;
  readonly provider: string;
}

/**
 * What the cache did for a call. Nobody was asked for `hit`, `stale` (asked for anew beside the call) and `shared` (an
 * equal call asked); for `partial` some vectors were there.
 */
export interface CacheRecord {
  readonly outcome: "hit" | "stale" | "shared" | "partial" | "miss" | "bypass";
  readonly reason?: string;
  /** Of an answer that was found, if it is known. */
  readonly servedBy?: ServedBy;
}

/** What a guardrail did, or would have done, about a call. No text of the call. */
export interface GuardrailRecord {
  readonly guardrail: string;
  readonly mode: "input" | "output";
  readonly action: "blocked" | "masked" | "flagged" | "rerouted" | "askedAgain" | "failedOpen";
  /** What kind of content. */
  readonly category?: string;
  /** How many places in the text. */
  readonly count?: number;
  /** It was a dry run: nothing happened. */
  readonly dryRun?: true;
}

/** A question that a guardrail put to a service or a model. No text of the call. */
export interface GuardrailQuestion {
  readonly guardrail: string;
  readonly mode: "input" | "output";
  /** `cached`: it was answered before. `paused`: the service has failed so often that it was not asked. */
  readonly outcome: "answered" | "cached" | "failed" | "paused";
  /** Why there is no answer: `timeout`, `status 500`, … */
  readonly reason?: string;
  /** How many texts it was about. */
  readonly texts: number;
  /** Milliseconds since the call began. */
  readonly startedMs: number;
  readonly endedMs: number;
  /** What it costs by the guardrail's own price. Models of the gateway book their calls themselves. */
  readonly cost?: NanoUsd;
}

/** What surfaces write themselves does not begin with this. */
const HEADER_NAME = /^x-[a-z0-9-]{1,126}$/;

/**
 * Every decision about one call, explained. Cheap: lists exist only once something is noted.
 * Holds no message text and no secret.
 */
export class Trace {
  /** `performance.now()` when the call began. */
  readonly startedAt: number;
  readonly attempts: AttemptRecord[];
  skipped: Skip[] | undefined;
  /** Parameters removed because the model does not take them, in the client's words. */
  droppedParams: string[] | undefined;
  /** Anything else worth knowing: `{ stage: "guard", text: "pii masked 2 values" }`. */
  notes: { readonly stage: string; readonly text: string }[] | undefined;
  /** What guardrails did, for metrics and logs. Written by `guard`. */
  guarded: GuardrailRecord[] | undefined;
  /** What guardrails asked others. Written by `question`. */
  questions: GuardrailQuestion[] | undefined;
  /** What the cache did; undefined where none was asked. */
  cached: CacheRecord | undefined;
  /** Headers for the response, of success or failure: a flat list of names and values. Written by `header`. */
  headers: string[] | undefined;
  /** What a stream tells behind its last event, each on a line that clients pass over. Written by `comment`. */
  comments: string[] | undefined;
  /** Milliseconds spent waiting for upstreams until the reply began. */
  upstreamMs = 0;
  /** Milliseconds until the first event, or the result where there was none; undefined before. */
  begunMs: number | undefined;

  constructor(startedAt: number = performance.now(), attempts: AttemptRecord[] = []) {
    this.startedAt = startedAt;
    this.attempts = attempts;
  }

  elapsedMs(): number {
    return performance.now() - this.startedAt;
  }

  skip(deployment: string, reason: string, facts?: Pick<Skip, "code" | "retryAfterMs" | "type">): void {
    this.skipped ??= [];
    this.skipped.push({ deployment, reason, ...facts });
  }

  drop(parameter: string): void {
    this.droppedParams ??= [];
    if (!this.droppedParams.includes(parameter)) this.droppedParams.push(parameter);
  }

  /**
   * Adds a header to the response, in place of one of this name. What is added after the response has begun is not sent.
   *
   * @param name lower case, with `x-` in front: `x-ratelimit-remaining-requests`
   * @param value any text; what a header cannot carry is encoded
   */
  header(name: string, value: string): void {
    if (!HEADER_NAME.test(name)) throw new TypeError(`${JSON.stringify(name)} is no name of a header for a response`);
    this.headers ??= [];
    const { headers } = this;
    for (let at = 0; at < headers.length; at += 2) {
      if (headers[at] !== name) continue;
      headers[at + 1] = value;
      return;
    }
    headers.push(name, value);
  }

  /**
   * Adds a comment behind the last event of a stream of server-sent events: what is known too late for a header. Surfaces
   * that write no such stream leave it out.
   *
   * @param text a name and a value, of one line: `x-signalbox-response-cost 0.000123`
   */
  comment(text: string): void {
    if (/[\r\n]/.test(text)) throw new TypeError("a comment of a stream is one line");
    this.comments ??= [];
    this.comments.push(text);
  }

  guard(record: GuardrailRecord): void {
    this.guarded ??= [];
    this.guarded.push(record);
  }

  question(record: GuardrailQuestion): void {
    this.questions ??= [];
    this.questions.push(record);
  }

  note(stage: string, text: string): void {
    this.notes ??= [];
    this.notes.push({ stage, text });
  }
}
