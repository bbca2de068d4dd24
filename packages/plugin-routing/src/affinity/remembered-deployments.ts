import type { SharedState } from "@signalbox/kernel";

/** How many this process keeps of each kind: what was used longest ago goes first. Some 20 MB. */
const MOST_KEPT = 50_000;
/** So much of the time must have passed until the same thing is written again. */
const REWRITE_AFTER = 0.1;

interface Kept {
  readonly deployment: string;
  /** On the scale of `performance.now()`. */
  readonly at: number;
}

/**
 * Which deployment has served something, in all processes of a gateway. Bounded by time, and by number for each
 * process: what it has written itself it also forgets.
 */
export class RememberedDeployments {
  readonly #state: SharedState;
  readonly #topic: string;
  readonly #ttlMs: number;
  readonly #mostKept: number;
  /** What this process has written, in order of last use. */
  readonly #written: Map<string, Kept> = new Map();

  /** @param topic begins the keys: `affinity/session` */
  constructor(state: SharedState, topic: string, ttlMs: number, mostKept: number = MOST_KEPT) {
    this.#state = state;
    this.#topic = topic;
    this.#ttlMs = ttlMs;
    this.#mostKept = mostKept;
  }

  /** The deployment's id. */
  find(name: string): string | undefined {
    const id = this.#state.get(`${this.#topic}/${name}`);
    return typeof id === "string" ? id : undefined;
  }

  remember(name: string, deployment: string): void {
    const key = `${this.#topic}/${name}`;
    const now = performance.now();
    const before = this.#written.get(key);
    const fresh = before !== undefined && now - before.at < this.#ttlMs * REWRITE_AFTER;
    if (fresh && before.deployment === deployment && this.#state.get(key) === deployment) return;
    if (before !== undefined) this.#written.delete(key);
    this.#written.set(key, { deployment, at: now });
    this.#state.set(key, deployment, this.#ttlMs);
    if (this.#written.size > this.#mostKept) this.#forgetOldest();
  }

  #forgetOldest(): void {
    for (const key of this.#written.keys()) {
      this.#written.delete(key);
      this.#state.delete(key);
      return;
    }
  }
}
