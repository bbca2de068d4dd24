import { GatewayError, isGatewayError } from "@signalbox/kernel";

const FAILURES_TO_OPEN = 5;
const PAUSE_MS = 1_000;

/** Bounds what a store can cost a call: a time limit, and a breaker that lets one call through to see whether it is back. */
export class StoreGuard {
  readonly pauseMs: number = PAUSE_MS;
  readonly #timeoutMs: number;
  readonly #now: () => number;
  #failures = 0;
  #closedUntil = 0;

  constructor(timeoutMs: number, now: () => number) {
    this.#timeoutMs = timeoutMs;
    this.#now = now;
  }

  /** Whether the last calls have been answered. */
  get ok(): boolean {
    return this.#failures === 0;
  }

  /** @throws {GatewayError} `auth_unavailable` */
  async run<Result>(body: () => Promise<Result>): Promise<Result> {
    if (this.#failures >= FAILURES_TO_OPEN) {
      if (this.#now() < this.#closedUntil) throw unavailable();
      // the others wait for what this one finds out
      this.#closedUntil = this.#now() + PAUSE_MS;
    }
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error("the store did not answer in time")), this.#timeoutMs);
    });
    try {
      const result = await Promise.race([body(), late]);
      this.#failures = 0;
      return result;
    } catch (thrown) {
      this.#failures++;
      if (this.#failures >= FAILURES_TO_OPEN) this.#closedUntil = this.#now() + PAUSE_MS;
      throw isGatewayError(thrown) && thrown.code === "auth_unavailable" ? thrown : unavailable(thrown);
    } finally {
      clearTimeout(timer);
    }
  }
}

function unavailable(cause?: unknown): GatewayError {
  return new GatewayError("auth_unavailable", "it cannot be decided now who is calling; try again", {
    source: "keys",
    retryAfterMs: PAUSE_MS,
    cause,
  });
}
