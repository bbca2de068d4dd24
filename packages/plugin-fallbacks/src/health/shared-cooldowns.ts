import type { ErrorCode, SharedState } from "@signalbox/kernel";
import { ERROR_RULES } from "@signalbox/kernel";
import type { Cause } from "./cooldown-causes.ts";
import { CAUSES } from "./cooldown-causes.ts";

/** What processes tell each other about a deployment that is left out. */
export interface SharedCooldown {
  /** Epoch milliseconds. */
  readonly until: number;
  readonly code: ErrorCode;
  readonly cause: Cause;
  /** How often in a row. */
  readonly count: number;
}

const PREFIX = "cooldown/";

/** Cooldowns in the state that all processes share. */
export class SharedCooldowns {
  readonly #state: SharedState;

  constructor(state: SharedState) {
    this.#state = state;
  }

  get(deploymentId: string): SharedCooldown | undefined {
    return read(this.#state.get(PREFIX + deploymentId));
  }

  /** @param ttlMs how long the others are to remember how often it was left out */
  set(deploymentId: string, cooldown: SharedCooldown, ttlMs: number): void {
    this.#state.set(PREFIX + deploymentId, cooldown, ttlMs);
  }

  delete(deploymentId: string): void {
    this.#state.delete(PREFIX + deploymentId);
  }

  /** @param listener is told nothing (`undefined`) when another process has ended the cooldown */
  watch(listener: (deploymentId: string, cooldown: SharedCooldown | undefined) => void): () => void {
    return this.#state.watch(PREFIX, (key, value) => {
      const cooldown = read(value);
      if (cooldown !== undefined || value === undefined) listener(key.slice(PREFIX.length), cooldown);
    });
  }
}

/** The store is shared with other versions of this program: what cannot be understood is as good as absent. */
function read(value: unknown): SharedCooldown | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { until, code, cause, count } = value as Partial<Record<keyof SharedCooldown, unknown>>;
  if (typeof until !== "number" || !Number.isFinite(until)) return undefined;
  if (typeof code !== "string" || !Object.hasOwn(ERROR_RULES, code)) return undefined;
  if (typeof cause !== "string" || !Object.hasOwn(CAUSES, cause)) return undefined;
  if (typeof count !== "number" || !Number.isInteger(count) || count < 1) return undefined;
  return { until, code: code as ErrorCode, cause: cause as Cause, count };
}
