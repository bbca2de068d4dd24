import type { GatewayError } from "../errors.ts";

/** A running call. */
export interface ActiveCall {
  /** Its place in the list; kept by `ActiveCalls`. */
  slot: number;
  /** On the scale of `performance.now()`. */
  readonly deadline: number;
  /** The first event or the result is there: the deadline no longer counts. */
  readonly begun: boolean;
  /** The deadline has passed. */
  expire(): void;
  cancel(reason?: GatewayError): void;
}

/** How late a deadline may be noticed. One look at all calls is cheaper than a timer for each. */
const TICK_MS = 20;

/**
 * The running calls of a gateway, and the watch over their deadlines. An array and not a Set: one that is added to and
 * deleted from all the time leaves a chain of outgrown tables behind, each with the calls it held, which the collector of
 * young objects cannot take apart.
 */
export class ActiveCalls {
  readonly #calls: ActiveCall[] = [];
  /** Runs while there are calls, and once more. */
  #timer: NodeJS.Timeout | undefined;

  get size(): number {
    return this.#calls.length;
  }

  add(call: ActiveCall): void {
    call.slot = this.#calls.length;
    this.#calls.push(call);
    this.#timer ??= setTimeout(tick, TICK_MS, this);
  }

  /** Takes out a call that is there; the last one moves into its place. */
  delete(call: ActiveCall): void {
    const last = this.#calls.pop() as ActiveCall;
    if (last === call) return;
    this.#calls[call.slot] = last;
    last.slot = call.slot;
  }

  all(): readonly ActiveCall[] {
    return [...this.#calls];
  }

  /** Ends the calls whose deadline has passed. */
  checkDeadlines(): void {
    if (this.#calls.length === 0) {
      this.#timer = undefined;
      return;
    }
    const now = performance.now();
    const expired = this.#calls.filter((call) => call.deadline <= now && !call.begun);
    for (const call of expired) call.expire();
    this.#timer?.refresh();
  }
}

function tick(calls: ActiveCalls): void {
  calls.checkDeadlines();
}
