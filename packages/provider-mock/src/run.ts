import type { Attempt } from "@signalbox/kernel";
import type { Behaviour, InjectedFault } from "./behaviour.ts";
import type { Fault } from "./faults.ts";
import { FAULTS, faultError } from "./faults.ts";
import { hang, wait } from "./wait.ts";

type Timed = Pick<Attempt, "signal" | "deployment">;

/** One call of a mock model: its waits and its fault. */
export class Run {
  readonly id: string;
  readonly behaviour: Behaviour;
  readonly #attempt: Timed;
  readonly #name: string | undefined;
  readonly #fault: Fault | undefined;

  constructor(id: string, behaviour: Behaviour, fault: InjectedFault | undefined, attempt: Timed) {
    this.id = id;
    this.behaviour = behaviour;
    this.#attempt = attempt;
    this.#name = fault?.name;
    this.#fault = fault === undefined ? undefined : FAULTS[fault.name];
  }

  /** The answer will break in its middle. */
  get breaks(): boolean {
    return this.#fault?.when === "midstream" || this.#fault?.when === "stall";
  }

  /** Waits out the latency; fails here when the fault stands before the answer. */
  async begin(latencyMs: number, streamed: boolean): Promise<void> {
    const { signal, deployment } = this.#attempt;
    const limitMs = (streamed ? deployment.streamTimeoutMs : undefined) ?? deployment.timeoutMs;
    const waitMs = latencyMs + (this.behaviour.lateMs ?? 0);
    if (waitMs > 0) await wait(waitMs, signal, limitMs);
    else signal.throwIfAborted();
    if (this.#fault?.when === "never") await hang(signal, limitMs);
    if (this.#fault?.when === "before") throw this.#error();
  }

  /** Fails here when the fault stands in the middle of the answer. */
  async breakOff(): Promise<void> {
    if (this.#fault?.when === "stall") {
      const { signal, deployment } = this.#attempt;
      await hang(signal, deployment.idleTimeoutMs ?? deployment.timeoutMs);
    }
    if (this.#fault?.when === "midstream") throw this.#error();
  }

  #error(): Error {
    return faultError(this.#name ?? "", this.behaviour.retryAfterMs);
  }
}
