import type { GatewayError } from "../errors.ts";

/** A running call. */
export interface ActiveCall {
  /** Its place in the list; kept by `ActiveCalls`. */
  slot: number;
  cancel(reason?: GatewayError): void;
}

/**
 * The running calls of a gateway. An array and not a Set: one that is added to and deleted from all the time leaves a
 * chain of outgrown tables behind, each with the calls it held, which the collector of young objects cannot take apart.
 */
export class ActiveCalls {
  readonly #calls: ActiveCall[] = [];

  get size(): number {
    return this.#calls.length;
  }

  add(call: ActiveCall): void {
    call.slot = this.#calls.length;
    this.#calls.push(call);
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
}
