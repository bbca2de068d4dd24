const FIRST_MS = 500;
const LONGEST_MS = 8_000;
const JITTER = 0.75;

/** The longest wait that comes of a failure without a `retry-after`. */
export const LONGEST_BACK_OFF_MS: number = LONGEST_MS;

/** Before the n-th repetition, counted from 0: 0.5 s, 1 s, 2 s … 8 s, of which chance takes up to three quarters. */
export function backOffMs(repetition: number, random: () => number): number {
  return Math.min(FIRST_MS * 2 ** repetition, LONGEST_MS) * (1 - JITTER * random());
}

/** The value, after so many milliseconds. Rejects with `signal.reason` as soon as the signal fires. */
export function afterWait<T>(waitMs: number, signal: AbortSignal, value: T | Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason);
      return;
    }
    const onAbort = (): void => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", onAbort);
      resolve(value);
    }, waitMs);
    signal.addEventListener("abort", onAbort, { once: true });
  });
}
