import { channel } from "node:diagnostics_channel";
import type { Health, LimitAnswer, LimitCorrection, LimitStore, LimitTake } from "@signalbox/kernel";
import { GatewayError, MemoryLimits } from "@signalbox/kernel";

const errors = channel("signalbox:limits-error");
/** When it is worth asking a store again that could not answer. */
const RETRY_MS = 1_000;

/** What was taken, and where. */
export interface Taken {
  readonly answer: LimitAnswer;
  readonly takes: readonly LimitTake[];
  readonly store: LimitStore;
}

/** What a guarded store is made of. */
export interface GuardedStoreParts {
  readonly store: LimitStore;
  readonly onFailure: "local" | "closed";
  /** How many processes share the limits. */
  readonly processes: () => number;
}

/**
 * A store that may fail. What it cannot decide is decided here: by what this process has let through itself, up to its
 * share of each limit, or by letting nothing through. Never without a limit.
 */
export class GuardedStore {
  readonly #parts: GuardedStoreParts;
  readonly #own = new MemoryLimits();
  /** How many shared the store when it failed. Nobody can be counted while a shared state is gone along with it. */
  #processes = 1;
  #failing = false;

  constructor(parts: GuardedStoreParts) {
    this.#parts = parts;
  }

  /**
   * Answers at once where the store does.
   *
   * @throws {GatewayError} `ledger_unavailable`, unless failures are decided locally
   */
  take(id: string, takes: readonly LimitTake[], leaseMs: number): Taken | Promise<Taken> {
    const { store } = this.#parts;
    try {
      const answer = store.take(id, takes, leaseMs);
      if (answer instanceof Promise) return this.#later(answer, id, takes, leaseMs);
      this.#failing = false;
      return { answer, takes, store };
    } catch (error) {
      return this.#decide(error, id, takes, leaseMs);
    }
  }

  /** Off the path of the call: it does not wait, and cannot fail by it. */
  release(id: string, { store, takes }: Taken, corrections: readonly LimitCorrection[]): void {
    try {
      const released = store.release(id, takes, corrections);
      if (released instanceof Promise) released.catch((error: unknown) => tell("release", error));
    } catch (error) {
      tell("release", error);
    }
  }

  renew(id: string, { store, takes }: Taken, leaseMs: number): void {
    try {
      const renewed = store.renew(id, takes, leaseMs);
      if (renewed instanceof Promise) renewed.catch((error: unknown) => tell("renew", error));
    } catch (error) {
      tell("renew", error);
    }
  }

  check(): Health {
    if (!this.#failing) return { ok: true };
    if (this.#parts.onFailure === "closed") {
      return { ok: false, detail: "the limit store does not answer: calls with limits are refused" };
    }
    return {
      ok: true,
      detail: `the limit store does not answer: this process counts 1/${this.#processes} of each limit`,
    };
  }

  async #later(answer: Promise<LimitAnswer>, id: string, takes: readonly LimitTake[], leaseMs: number): Promise<Taken> {
    try {
      const known = await answer;
      this.#failing = false;
      return { answer: known, takes, store: this.#parts.store };
    } catch (error) {
      return this.#decide(error, id, takes, leaseMs);
    }
  }

  #decide(error: unknown, id: string, takes: readonly LimitTake[], leaseMs: number): Taken {
    tell("take", error);
    if (!this.#failing) this.#processes = Math.max(1, this.#parts.processes());
    this.#failing = true;
    if (this.#parts.onFailure === "closed") {
      throw new GatewayError("ledger_unavailable", "the limits of this call cannot be checked at the moment", {
        source: "limits",
        retryAfterMs: RETRY_MS,
        cause: error,
      });
    }
    const share = takes.map((take) => shareOf(take, this.#processes));
    return { answer: this.#own.take(id, share, leaseMs), takes: share, store: this.#own };
  }
}

/** A process's part of a limit: at least one unit, or nobody could go on. What the whole limit had room for still goes. */
function shareOf(take: LimitTake, processes: number): LimitTake {
  if (processes <= 1 || take.limit === 0) return take;
  const limit = Math.max(1, Math.floor(take.limit / processes));
  return { ...take, limit, cost: take.cost > take.limit ? take.cost : Math.min(take.cost, limit) };
}

function tell(operation: string, error: unknown): void {
  errors.publish({ operation, error });
}
