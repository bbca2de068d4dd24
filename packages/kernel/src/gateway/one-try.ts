import type { Call } from "../call.ts";
import type { Deployment } from "../deployment.ts";
import { GatewayError } from "../errors.ts";
import type { Moments } from "../moments.ts";
import type { OperationName, Reply, ResultOf } from "../operation.ts";
import type { AttemptWatcher } from "../router.ts";
import type { Usage } from "../usage.ts";
import type { RoutedAttempt } from "./routed-attempt.ts";
import { attributed } from "./routed-attempt.ts";

/** Everybody who is told about tries. */
export interface TryWatchers {
  readonly observers: Moments;
  readonly router: AttemptWatcher;
  readonly strategy: AttemptWatcher;
}

/** One try at one deployment, from its begin to exactly one end. */
export class OneTry {
  readonly attempt: RoutedAttempt;
  readonly reply: Reply<OperationName>;
  readonly #call: Call;
  readonly #watchers: TryWatchers;
  readonly #startedAt: number;
  #firstEventAt = 0;
  /** It has not ended yet. */
  open = true;

  constructor(
    call: Call,
    attempt: RoutedAttempt,
    answer: (attempt: RoutedAttempt) => Reply<OperationName>,
    watchers: TryWatchers,
  ) {
    this.#call = call;
    this.attempt = attempt;
    this.#watchers = watchers;
    this.#startedAt = call.trace.startedAt + attempt.record.startedMs;
    call.trace.attempts.push(attempt.record);
    watchers.router.begin?.(attempt.deployment, call);
    watchers.strategy.begin?.(attempt.deployment, call);
    watchers.observers.attemptStarted?.(attempt);
    this.reply = answer(attempt);
  }

  get deployment(): Deployment {
    return this.attempt.deployment;
  }

  /** An event has reached the caller: nobody else can answer now. */
  get begun(): boolean {
    return this.#firstEventAt !== 0;
  }

  noteEvent(): void {
    if (this.#firstEventAt === 0) this.#firstEventAt = performance.now();
  }

  succeed(result: ResultOf<OperationName>): void {
    const { usage } = result as { usage?: Usage };
    const endedAt = this.#end();
    this.#watchers.observers.attemptSucceeded?.(this.attempt, usage);
    this.#report(endedAt, true, undefined, false, usage);
  }

  /** A generator that has thrown is finished: there is nothing to close. */
  fail(thrown: unknown): GatewayError {
    const error = attributed(thrown, this.attempt);
    const endedAt = this.#end();
    this.attempt.record.code = error.code;
    this.#watchers.observers.attemptFailed?.(this.attempt, error);
    const ended = this.#call.signal.aborted && error === this.#call.signal.reason && error.code !== "timeout";
    this.#report(endedAt, false, error, ended);
    return error;
  }

  /** The reader has left, or somebody else has answered. Does nothing when the try has ended. */
  async abandon(reason: GatewayError | undefined): Promise<void> {
    if (!this.open) return;
    const error = reason ?? new GatewayError("client_closed", "the caller left before the reply was complete");
    const endedAt = this.#end();
    this.attempt.record.code = error.code;
    this.#watchers.observers.attemptFailed?.(this.attempt, error);
    this.#report(endedAt, false, error, true);
    await this.reply.return(undefined as never);
  }

  #end(): number {
    this.open = false;
    const endedAt = performance.now();
    this.attempt.record.endedMs = endedAt - this.#call.trace.startedAt;
    return endedAt;
  }

  #report(endedAt: number, ok: boolean, error: GatewayError | undefined, abandoned: boolean, usage?: Usage): void {
    const { router, strategy } = this.#watchers;
    if (router.report === undefined && strategy.report === undefined) return;
    const outcome = {
      ok,
      ...(error !== undefined && { error }),
      ...(abandoned && { abandoned }),
      firstEventMs: (this.#firstEventAt || endedAt) - this.#startedAt,
      durationMs: endedAt - this.#startedAt,
      ...(usage !== undefined && { usage }),
    };
    router.report?.(this.deployment, outcome, this.#call);
    strategy.report?.(this.deployment, outcome, this.#call);
  }
}
