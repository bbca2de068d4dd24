import { GatewayError } from "@signalbox/kernel";

const NEVER_MS = 2 ** 31 - 1;

/**
 * Waits, but not past the signal: an abort ends the wait at once with the signal's reason.
 * @throws {GatewayError} `timeout` when `limitMs` passes before `durationMs`
 */
export function wait(durationMs: number, signal: AbortSignal, limitMs?: number): Promise<void> {
  if (signal.aborted) return Promise.reject(signal.reason);
  if (durationMs <= 0) return Promise.resolve();
  const tooLong = limitMs !== undefined && limitMs < durationMs;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(onTime, Math.min(tooLong ? limitMs : durationMs, NEVER_MS));
  signal.addEventListener("abort", onAbort, { once: true });

  function onTime(): void {
    signal.removeEventListener("abort", onAbort);
    if (!tooLong) resolve();
    else {
      reject(new GatewayError("timeout", `the mock provider did not answer within ${limitMs} ms`, { source: "mock" }));
    }
  }
  function onAbort(): void {
    clearTimeout(timer);
    reject(signal.reason);
  }
  return promise;
}

/** Waits for the signal or the limit; answers never. */
export async function hang(signal: AbortSignal, limitMs?: number): Promise<never> {
  for (;;) await wait(Number.POSITIVE_INFINITY, signal, limitMs);
}
