/** Both times, so that neither a changed wall clock nor a simulation disturbs cooldowns. */
export interface Clock {
  /** Milliseconds that never run backwards. */
  now(): number;
  /** Epoch milliseconds: what other processes and readers understand. */
  epochMs(): number;
}

export const SYSTEM_CLOCK: Clock = { now: () => performance.now(), epochMs: () => Date.now() };
