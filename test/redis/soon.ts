import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";

/** Waits until it holds; a throw counts as not yet. */
export async function soon(what: string, holds: () => unknown, withinMs: number = 5_000): Promise<void> {
  const until = performance.now() + withinMs;
  for (;;) {
    try {
      if (await holds()) return;
    } catch {
      // Not yet.
    }
    if (performance.now() > until) assert.fail(`not within ${withinMs} ms: ${what}`);
    await sleep(10);
  }
}
