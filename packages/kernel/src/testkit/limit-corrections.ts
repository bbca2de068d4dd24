import assert from "node:assert/strict";
import type { AddLimitCase } from "./limit-case.ts";
import { allowed, denied, HOUR_MS, LEASE_MS, near, place, rate, remainingOf } from "./limit-case.ts";

const TOKENS = rate("tokens", 100, 80);

/** What calls have really used, and operations that arrive twice. */
export function addCorrectionCases(add: AddLimitCase): void {
  add("gives back what was not used", async ({ store, take }) => {
    await store.take("one", [TOKENS], LEASE_MS);
    await store.release("one", [TOKENS], [{ take: TOKENS, difference: -50 }]);
    assert.deepEqual(remainingOf(await take(rate("tokens", 100, 10))), [60]);
  });

  add("never gives back more than there is room for", async ({ store, take }) => {
    await store.take("one", [TOKENS], LEASE_MS);
    await store.release("one", [TOKENS], [{ take: TOKENS, difference: -5_000 }]);
    assert.deepEqual(remainingOf(await take(rate("tokens", 100, 100))), [0]);
    denied(await take(rate("tokens", 100)), "more than the limit");
  });

  add("charges what was used beyond, also when the limit is exceeded by it", async ({ store, take }) => {
    await store.take("one", [TOKENS], LEASE_MS);
    await store.release("one", [TOKENS], [{ take: TOKENS, difference: 15 }]);
    assert.deepEqual(remainingOf(await take(rate("tokens", 100))), [4]);
    await store.take("two", [rate("tokens", 100, 4)], LEASE_MS);
    await store.release("two", [TOKENS], [{ take: rate("tokens", 100, 4), difference: 50 }]);
    const answer = denied(await take(rate("tokens", 100)), "a call after more was used than there is");
    assert.deepEqual(remainingOf(answer), [0]);
    near(answer.retryAfterMs, 0.51 * HOUR_MS, "the wait until what was used beyond is back, and one more");
    near(answer.states[0]?.resetMs, 1.5 * HOUR_MS, "the time until all is there");
  });

  add("corrects each of several limits by its own difference", async ({ store, take }) => {
    const [requests, tokens, wide] = [rate("requests", 10), rate("tokens", 100, 80), rate("wide", 1_000, 80)];
    await store.take("one", [requests, tokens, wide], LEASE_MS);
    const corrections = [
      { take: tokens, difference: -30 },
      { take: wide, difference: 20 },
    ];
    await store.release("one", [requests, tokens, wide], corrections);
    assert.deepEqual(remainingOf(await take(requests, rate("tokens", 100), rate("wide", 1_000))), [8, 49, 899]);
  });

  add("takes once for one id, however often it is told", async ({ store, take }) => {
    const takes = [rate("requests", 10), TOKENS, place("places", 5)];
    allowed(await store.take("one", takes, LEASE_MS), "the first");
    for (let time = 1; time <= 5; time++) {
      const answer = await store.take("one", takes, LEASE_MS);
      allowed(answer, "a repetition of what was let through");
      assert.deepEqual(remainingOf(answer), [9, 20, 4]);
    }
    assert.deepEqual(
      remainingOf(await take(rate("requests", 10), rate("tokens", 100), place("places", 5))),
      [8, 19, 3],
    );
  });

  add("releases and corrects once for one id", async ({ store, take }) => {
    const takes = [TOKENS, place("places", 2)];
    await store.take("one", takes, LEASE_MS);
    await store.take("other", [place("places", 2)], LEASE_MS);
    for (let time = 1; time <= 3; time++) await store.release("one", takes, [{ take: TOKENS, difference: -20 }]);
    const left = await take(rate("tokens", 100), place("places", 2));
    assert.deepEqual(remainingOf(left), [39, 0], "a repeated release has changed something");
  });

  add("changes nothing for an id that has taken nothing", async ({ store, take }) => {
    await store.take("one", [TOKENS, place("places", 2)], LEASE_MS);
    const refused = [rate("tokens", 100, 50), place("places", 2)];
    denied(await store.take("two", refused, LEASE_MS), "50 of 20");
    for (const id of ["two", "never"]) {
      await store.renew(id, refused, LEASE_MS);
      await store.release(id, refused, [{ take: rate("tokens", 100, 50), difference: -50 }]);
    }
    assert.deepEqual(remainingOf(await take(rate("tokens", 100), place("places", 2))), [19, 0]);
  });

  add("lets an id through that was refused before", async ({ store }) => {
    await store.take("one", [place("places", 1)], LEASE_MS);
    denied(await store.take("two", [place("places", 1)], LEASE_MS), "a second call for one place");
    await store.release("one", [place("places", 1)], []);
    allowed(await store.take("two", [place("places", 1)], LEASE_MS), "the same call after a place was free");
  });
}
