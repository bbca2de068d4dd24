import type { SharedState } from "@signalbox/kernel";

const KEY = "limits/processes";
const BEAT_MS = 10_000;
/** Two beats may be lost. */
const LIFE_MS = 30_000;

/** How many processes there are: each says in the shared state that it is there. */
export class ProcessCount {
  readonly #state: SharedState;
  readonly #least: number;
  readonly #timer: NodeJS.Timeout;
  /** What the last beats saw: a store that is failing forgets the others first. */
  #seen: readonly number[] = [];

  constructor(state: SharedState, least: number) {
    this.#state = state;
    this.#least = least;
    state.add(KEY, 1, LIFE_MS);
    this.#timer = setInterval(() => this.#beat(), BEAT_MS);
    this.#timer.unref();
  }

  get now(): number {
    return Math.max(this.#least, this.#state.sum(KEY), ...this.#seen);
  }

  #beat(): void {
    this.#seen = [this.#state.sum(KEY), ...this.#seen].slice(0, LIFE_MS / BEAT_MS);
    this.#state.add(KEY, 0, LIFE_MS);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#state.add(KEY, -1, LIFE_MS);
  }
}
