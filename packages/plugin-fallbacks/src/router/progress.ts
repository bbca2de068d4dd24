import type { Call, Deployment, GatewayError } from "@signalbox/kernel";

/** A deployment that was given to the gateway to try. */
export interface Try {
  readonly deployment: Deployment;
  /** How it failed last; undefined when it was not tried. */
  error: GatewayError | undefined;
  /** On the router's clock. */
  failedAt: number;
  /** How often it was tried again. */
  repeated: number;
}

/** What a routing yields, and is told. */
export type Steps<Return = void> = Generator<Deployment | Promise<Deployment>, Return, GatewayError | undefined>;

/** What one routing of a call has come to. Nothing is kept for a call that is answered at once. */
export class Progress {
  readonly call: Call;
  /** `num_retries` of the request. */
  readonly wished: number | undefined;
  readonly tries: Try[] = [];
  /** Attempts of a former routing of the same call: its stream broke, and is to be continued elsewhere. */
  readonly earlier: number;
  /** Nothing was given out yet: what the strategy puts first is tried first, however it fared lately. */
  untouched: boolean;
  /** The last failure at the present model. */
  failure: GatewayError | undefined;
  /** The try with that failure; undefined when it was a wait that failed. */
  failed: Try | undefined;
  #visited: Set<string> | undefined;
  #entered: Set<string> | undefined;
  /** A try that runs still, while another deployment is asked for to be tried beside it. */
  #running: Try | undefined;

  constructor(call: Call, wished: number | undefined) {
    this.call = call;
    this.wished = wished;
    this.earlier = call.trace.attempts.length;
    this.untouched = this.earlier === 0;
  }

  /** Models that have had their turn, or were left out. */
  get visited(): Set<string> {
    this.#visited ??= new Set([this.call.model]);
    return this.#visited;
  }

  /** Other models than the one asked for that were tried, by this routing or a former one. */
  get entered(): Set<string> {
    if (this.#entered === undefined) {
      this.#entered = new Set(this.call.trace.attempts.slice(0, this.earlier).map(({ group }) => group));
      this.#entered.delete(this.call.model);
    }
    return this.#entered;
  }

  /** Notes what became of a deployment that was given out. */
  given(deployment: Deployment, error: GatewayError | undefined, now: number): void {
    const tried: Try = { deployment, error: undefined, failedAt: now, repeated: 0 };
    this.untouched = false;
    this.tries.push(tried);
    this.ended(tried, error, now);
  }

  /** Notes what became of one more try, or of the wait for one. */
  ended(tried: Try | undefined, error: GatewayError | undefined, now: number): void {
    if (error === undefined) {
      if (tried !== undefined && this.#isUnderWay(tried.deployment)) this.#running = tried;
      return;
    }
    this.failure = error;
    this.failed = tried;
    // what ran beside it has failed too: else nothing more would be asked for
    for (const each of [tried, this.#running]) {
      if (each === undefined) continue;
      each.error = error;
      each.failedAt = now;
    }
    this.#running = undefined;
  }

  /** A wildcard deployment serves several models under one id, and a model may have several names. */
  wasGiven({ id, upstreamModel }: Deployment): boolean {
    for (const { deployment } of this.tries) {
      if (deployment.id === id && deployment.upstreamModel === upstreamModel) return true;
    }
    for (let at = 0; at < this.earlier; at++) {
      const attempt = this.call.trace.attempts[at];
      // one that only lost a race to another has done nothing wrong
      if (attempt?.deployment !== id || attempt.code === "client_closed") continue;
      if (attempt.model === upstreamModel) return true;
    }
    return false;
  }

  /** False until something was tried: also where a dry run only lists. */
  get anyAttempt(): boolean {
    return this.call.trace.attempts.length > 0;
  }

  #isUnderWay({ id }: Deployment): boolean {
    const last = this.call.trace.attempts.at(-1);
    return last !== undefined && last.deployment === id && last.endedMs === undefined;
  }
}
