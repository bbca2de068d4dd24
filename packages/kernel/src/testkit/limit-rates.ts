import assert from "node:assert/strict";
import type { AddLimitCase } from "./limit-case.ts";
import { allowed, denied, HOUR_MS, LEASE_MS, near, place, rate, remainingOf } from "./limit-case.ts";

const NAMES = ["a b", "a/b/c", "{tag}", "é\u{1F600}", "*", "constructor", "__proto__", "x".repeat(300)];

/** Rates: bursts, steady clients, costs, waits, several at once. */
export function addRateCases(add: AddLimitCase): void {
  add("lets a burst of exactly the limit through", async ({ take }) => {
    for (const limit of [1, 3, 7, 60, 600]) {
      for (let left = limit - 1; left >= 0; left--) {
        const answer = await take(rate(`burst-${limit}`, limit));
        allowed(answer, `call ${limit - left} of ${limit}`);
        assert.deepEqual(remainingOf(answer), [left]);
      }
      const answer = denied(await take(rate(`burst-${limit}`, limit)), `call ${limit + 1} of ${limit}`);
      assert.deepEqual(remainingOf(answer), [0]);
      assert.deepEqual(answer.take, rate(`burst-${limit}`, limit));
      near(answer.retryAfterMs, HOUR_MS / limit, "the wait for one unit");
      near(answer.states[0]?.resetMs, HOUR_MS, "the time until all is there");
    }
  });

  add("never refuses a steady client at the limit", async ({ take, pass, waits }) => {
    const [limit, periodMs, calls] = waits ? [20, 1_000, 30] : [7, 60_000, 100];
    for (let call = 1; call <= calls; call++) {
      allowed(await take(rate("steady", limit, 1, periodMs)), `call ${call} of a steady client`);
      await pass(Math.ceil(periodMs / limit));
    }
  });

  add("keeps a client that uses everything at the limit, call after call", async ({ take, pass, waits }) => {
    const [limit, periodMs, calls] = waits ? [4, 600, 8] : [7, 60_000, 50];
    for (let call = 1; call <= limit; call++) await take(rate("greedy", limit, 1, periodMs));
    for (let call = 1; call <= calls; call++) {
      await pass(Math.ceil(periodMs / limit));
      allowed(await take(rate("greedy", limit, 1, periodMs)), `call ${call} after its wait`);
      if (!waits) denied(await take(rate("greedy", limit, 1, periodMs)), `a second call beside call ${call}`);
    }
  });

  add("says the wait exactly: then it goes, earlier it does not", async ({ take, pass, waits }) => {
    const [periodMs, lessMs] = waits ? [2_000, 250] : [60_000, 1_000];
    for (const cost of [1, 3]) {
      const asked = rate(`wait-${cost}`, 4, cost, periodMs);
      allowed(await take({ ...asked, cost: 4 }), "everything at once");
      const { retryAfterMs } = denied(await take(asked), "one more");
      assert.ok(retryAfterMs !== undefined && retryAfterMs > lessMs, `no wait was said: ${retryAfterMs}`);
      assert.ok(retryAfterMs <= (periodMs / 4) * cost, `${retryAfterMs} ms are longer than ${cost} units need`);
      await pass(retryAfterMs - lessMs);
      denied(await take(asked), `${cost} units, ${lessMs} ms too early`);
      await pass(lessMs);
      allowed(await take(asked), `${cost} units after exactly ${retryAfterMs} ms`);
    }
  });

  add("counts what a call costs", async ({ take }) => {
    const answer = await take(rate("tokens", 100, 60));
    allowed(answer, "60 of 100");
    assert.deepEqual(remainingOf(answer), [40]);
    near(answer.states[0]?.resetMs, 0.6 * HOUR_MS, "the time until 60 are back");
    const refused = denied(await take(rate("tokens", 100, 50)), "50 of 40");
    assert.deepEqual(remainingOf(refused), [40]);
    near(refused.retryAfterMs, 0.1 * HOUR_MS, "the wait for 10 of 100");
    assert.deepEqual(remainingOf(await take(rate("tokens", 100, 40))), [0]);
  });

  add("takes large numbers by the unit", async ({ take }) => {
    const limit = 30_000_000;
    assert.deepEqual(remainingOf(await take(rate("large", limit, limit - 5))), [5]);
    denied(await take(rate("large", limit, 6 + 60 * (limit / HOUR_MS) * 1_000)), "more than is left");
  });

  add("knows no wait for what is larger than the limit, and for a limit of nothing", async ({ take }) => {
    const larger = denied(await take(rate("large", 10, 11)), "11 of 10");
    assert.equal(larger.retryAfterMs, undefined, "no wait helps a call that is larger than the limit");
    assert.deepEqual(remainingOf(larger), [10]);
    const nothing = denied(await take(rate("nothing", 0)), "one of a limit of 0");
    assert.equal(nothing.retryAfterMs, undefined, "no wait helps where the limit is 0");
    assert.deepEqual(remainingOf(nothing), [0]);
    const placeless = denied(await take(place("nowhere", 0)), "a place where there is none");
    assert.equal(placeless.retryAfterMs, undefined, "no wait helps where there are no places");
    allowed(await take(rate("large", 10, 10)), "all that a refused call has left");
  });

  add("takes all or nothing", async ({ take }) => {
    allowed(await take(rate("full", 2, 2)), "the first");
    const takes = [place("beside", 5), rate("before", 10, 4), rate("full", 2), rate("after", 10, 4)];
    const answer = denied(await take(...takes), "a call over one of its limits");
    assert.deepEqual(answer.take, rate("full", 2));
    assert.deepEqual(remainingOf(answer), [5, 10, 0, 10]);
    assert.deepEqual(
      remainingOf(await take(place("beside", 5), rate("before", 10, 4), rate("after", 10, 4))),
      [4, 6, 6],
    );
  });

  add("names the limit with the longest wait", async ({ take }) => {
    await take(rate("short", 10, 10), rate("long", 2, 2));
    for (const takes of [
      [rate("short", 10), rate("long", 2)],
      [rate("long", 2), rate("short", 10)],
    ]) {
      const answer = denied(await take(...takes), "a call over two limits");
      assert.deepEqual(answer.take, rate("long", 2));
      near(answer.retryAfterMs, HOUR_MS / 2, "the longer wait of two");
    }
    const answer = denied(await take(rate("long", 2), rate("short", 10, 11)), "a call that is larger than a limit");
    assert.deepEqual(answer.take, rate("short", 10, 11), "a limit that no wait helps comes first");
    assert.equal(answer.retryAfterMs, undefined);
  });

  add("keeps keys apart, whatever their names", async ({ take }) => {
    for (const name of NAMES) assert.deepEqual(remainingOf(await take(rate(name, 5, 3))), [2], `"${name}"`);
    for (const name of NAMES) assert.deepEqual(remainingOf(await take(rate(name, 5, 2))), [0], `"${name}"`);
    for (const name of NAMES) denied(await take(rate(name, 5)), `one more of "${name}"`);
  });

  add("takes a limit as it is now", async ({ take }) => {
    await take(rate("changed", 2, 2));
    denied(await take(rate("changed", 2)), "the third of 2");
    denied(await take(rate("changed", 1)), "another of a limit that was lowered");
    assert.deepEqual(remainingOf(await take(rate("raised", 2))), [1]);
    allowed(await take(rate("raised", 10, 4)), "more of a limit that was raised");
  });

  add(
    "lets none too many through of 1,000 at once",
    async ({ store, another }) => {
      const other = await another();
      const asked = Array.from({ length: 1_000 }, async (_, index) => {
        const takes = [rate("crowd", 100), rate("crowd/tokens", 100_000, 1_000), rate("crowd/wide", 5_000)];
        return await (index % 2 === 0 ? store : other).take(`crowd-${index}`, takes, LEASE_MS);
      });
      const answers = await Promise.all(asked);
      assert.equal(answers.filter((answer) => answer.allowed).length, 100);
      const left = await store.take("afterwards", [rate("crowd/wide", 5_000)], LEASE_MS);
      assert.deepEqual(remainingOf(left), [4_899], "refused calls have taken something");
    },
    ["shared"],
  );

  add("lets none too many of one process through", async ({ store }) => {
    const answers = await Promise.all(
      Array.from({ length: 1_000 }, async (_, index) => await store.take(`one-${index}`, [rate("one", 100)], LEASE_MS)),
    );
    assert.equal(answers.filter((answer) => answer.allowed).length, 100);
  });
}
