import type { Call, Deployment, GatewayError, Outcome, SharedState, Strategy } from "@signalbox/kernel";
import { MemoryState } from "@signalbox/kernel";
import type { LimitOptions } from "../../src/limits/deployment-limits.ts";
import { withLimits } from "../../src/limits/deployment-limits.ts";

/** Tries deployments as they are listed. */
export const LISTED: Strategy = { name: "listed", order: (_call, candidates) => candidates };

export const ANSWERED: Outcome = { ok: true, firstEventMs: 1, durationMs: 2 };

export function limits(
  options: LimitOptions = {},
  state: SharedState = new MemoryState(),
  strategy: Strategy = LISTED,
): Strategy {
  return withLimits(strategy, options, { state, facts: () => ({}), fallbacks: {} });
}

/** A clock that is moved by hand. Begins at the start of a minute. */
export class Clock {
  ms = 60_000_000_000;
  readonly now = (): number => this.ms;
}

/** What is pulled one after the other, without a try. Closed after `most`. */
export function pulled(
  strategy: Strategy,
  call: Call,
  candidates: readonly Deployment[],
  most: number = Number.POSITIVE_INFINITY,
): readonly string[] {
  const names: string[] = [];
  for (const item of strategy.order(call, candidates)) {
    names.push("then" in item ? "(wait)" : item.id);
    if (names.length >= most) break;
  }
  return names;
}

type Offers = Iterator<Deployment | Promise<Deployment>, unknown, GatewayError | undefined>;

/** One call as a gateway drives it: the first deployment is begun; it ends when it is told to. */
export class DrivenCall {
  readonly call: Call;
  readonly deployment: Deployment | Promise<Deployment> | undefined;
  readonly #strategy: Strategy;
  readonly #offers: Offers;

  constructor(strategy: Strategy, call: Call, candidates: readonly Deployment[]) {
    this.call = call;
    this.#strategy = strategy;
    this.#offers = strategy.order(call, candidates)[Symbol.iterator]() as Offers;
    const step = this.#offers.next(undefined);
    this.deployment = step.done === true ? undefined : step.value;
    if (this.deployment !== undefined && !("then" in this.deployment)) strategy.begin?.(this.deployment, call);
  }

  get id(): string | undefined {
    return this.deployment === undefined || "then" in this.deployment ? undefined : this.deployment.id;
  }

  end(outcome: Outcome = ANSWERED): void {
    if (this.id !== undefined) this.#strategy.report?.(this.deployment as Deployment, outcome, this.call);
    this.#offers.return?.();
  }
}
