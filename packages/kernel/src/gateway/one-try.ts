import type { Call } from "../call.ts";
import type { Deployment } from "../deployment.ts";
import { GatewayError } from "../errors.ts";
import type { Moments } from "../moments.ts";
import type { OperationName, Reply, ResultOf } from "../operation.ts";
import type { Usage } from "../usage.ts";
import type { AttemptWatchers } from "./attempt-watchers.ts";
import type { RoutedAttempt } from "./routed-attempt.ts";
import { attributed } from "./routed-attempt.ts";

/** Everybody who is told about tries. */
export interface TryWatchers {
  readonly observers: Moments;
  readonly watchers: AttemptWatchers;
}

/** One try at one deployment, from its begin to exactly one end. */
export class OneTry {
  readonly attempt: RoutedAttempt;
  readonly reply: Reply<OperationName>;
  readonly #call: Call;
  readonly #told: TryWatchers;
  readonly #startedAt: number;
  #firstEventAt = 0;
  /** It has not ended yet. */
  open = true;

  constructor(
    call: Call,
    attempt: RoutedAttempt,
    answer: (attempt: RoutedAttempt) => Reply<OperationName>,
    told: TryWatchers,
  ) {
    this.#call = call;
    this.attempt = attempt;
    this.#told = told;
    this.#startedAt = call.trace.startedAt + attempt.record.startedMs;
    call.trace.attempts.push(attempt.record);
    told.watchers.begin(attempt.deployment, call);
    told.observers.attemptStarted?.(attempt);
    this.reply = started(answer, attempt);
  }

  get deployment(): Deployment {
    return this.attempt.deployment;
  }

  /** An event has reached the caller: nobody else can answer now. */
  get begun(): boolean {
    return this.#firstEventAt !== 0;
  }

  noteEvent(): void {
    if (this.#firstEventAt !== 0) return;
    this.#firstEventAt = performance.now();
    this.#told.watchers.answered(this.deployment, this.#firstEventAt - this.#startedAt, this.#call);
  }

  succeed(result: ResultOf<OperationName>): void {
    const { usage } = result as { usage?: Usage };
    const endedAt = this.#end();
    this.#told.observers.attemptSucceeded?.(this.attempt, usage);
    if (this.#told.watchers.wantReports) this.#report(endedAt, true, undefined, false, usage);
  }

  /** A generator that has thrown is finished: there is nothing to close. */
  fail(thrown: unknown): GatewayError {
    const error = attributed(thrown, this.attempt);
    const { signal } = this.#call;
    // Whatever a try ends with after the caller has left, the leaving is its cause. A deadline may be the deployment's fault.
    const abandoned = signal.aborted && (signal.reason as GatewayError).code !== "timeout";
    this.#endBadly(error, abandoned);
    return error;
  }

  /** The reader has left, or somebody else has answered. Does nothing when the try has ended. */
  async abandon(reason: GatewayError | undefined): Promise<void> {
    if (!this.open) return;
    this.#endBadly(reason ?? new GatewayError("client_closed", "the caller left before the reply was complete"), true);
    await this.reply.return(undefined as never);
  }

  #endBadly(error: GatewayError, abandoned: boolean): void {
    const endedAt = this.#end();
    this.attempt.record.code = error.code;
    this.#told.observers.attemptFailed?.(this.attempt, error);
    if (this.#told.watchers.wantReports) this.#report(endedAt, false, error, abandoned, undefined);
  }

  #end(): number {
    this.open = false;
    const endedAt = performance.now();
    this.attempt.record.endedMs = endedAt - this.#call.trace.startedAt;
    return endedAt;
  }

  #report(
    endedAt: number,
    ok: boolean,
    error: GatewayError | undefined,
    abandoned: boolean,
    usage: Usage | undefined,
  ): void {
    const outcome = {
      ok,
      ...(error !== undefined && { error }),
      ...(abandoned && { abandoned }),
      firstEventMs: (this.#firstEventAt || endedAt) - this.#startedAt,
      durationMs: endedAt - this.#startedAt,
      ...(usage !== undefined && { usage }),
    };
    this.#told.watchers.report(this.deployment, outcome, this.#call);
  }
}

/** A layer that is no generator may throw at once: a failure like any other. */
function started(
  answer: (attempt: RoutedAttempt) => Reply<OperationName>,
  attempt: RoutedAttempt,
): Reply<OperationName> {
  try {
    return answer(attempt);
  } catch (thrown) {
    return failedReply(thrown);
  }
}

// biome-ignore lint/correctness/useYield: fails before its first event
async function* failedReply(thrown: unknown): Reply<OperationName> {
  throw thrown;
}
