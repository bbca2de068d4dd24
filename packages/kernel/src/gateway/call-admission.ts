import type { Admission, Call } from "../call.ts";
import type { GatewayError } from "../errors.ts";
import { toGatewayError } from "../errors.ts";
import type { OperationName, Reply } from "../operation.ts";

/** What one call has been let go on without. A denial ends the call as if it had been cancelled. */
export class CallAdmission implements Admission {
  readonly #call: { readonly cancel: (reason: GatewayError) => void };
  #outstanding: Promise<void> | undefined;
  #holds = 0;
  #denied = false;

  constructor(call: { readonly cancel: (reason: GatewayError) => void }) {
    this.#call = call;
  }

  get outstanding(): Promise<void> | undefined {
    return this.#outstanding;
  }

  get denied(): boolean {
    return this.#denied;
  }

  hold(decision: Promise<void>): void {
    this.#holds++;
    const held = this.#decided(this.#outstanding, decision);
    this.#outstanding = held;
    // whoever waits is told, and the call is ended in any case
    held.catch(() => undefined);
  }

  async #decided(earlier: Promise<void> | undefined, decision: Promise<void>): Promise<void> {
    try {
      await Promise.all([earlier, decision]);
    } catch (thrown) {
      this.#denied = true;
      const denial = toGatewayError(thrown);
      this.#call.cancel(denial);
      throw denial;
    }
    this.#holds--;
    if (this.#holds === 0) this.#outstanding = undefined;
  }
}

/** Goes on when the call has been admitted. */
async function* admitted<C extends Call>(call: C, next: (call: C) => Reply<OperationName>): Reply<OperationName> {
  await call.admission?.outstanding;
  return yield* next(call);
}

/** What must not begin before a call is admitted. Costs nothing where nothing is outstanding. */
export function onceAdmitted<C extends Call>(
  next: (call: C) => Reply<OperationName>,
): (call: C) => Reply<OperationName> {
  return (call) => (call.admission?.outstanding === undefined ? next(call) : admitted(call, next));
}
