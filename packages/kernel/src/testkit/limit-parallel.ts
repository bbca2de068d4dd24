import assert from "node:assert/strict";
import type { AddLimitCase } from "./limit-case.ts";
import { allowed, denied, LEASE_MS, place, rate, remainingOf } from "./limit-case.ts";

/** Places: how many, how long, and whose. */
export function addParallelCases(add: AddLimitCase): void {
  add("lets as many run at the same time as there are places", async ({ store, take }) => {
    for (const id of ["one", "two", "three"]) {
      allowed(await store.take(id, [place("places", 3)], LEASE_MS), `call ${id} of three`);
    }
    const answer = denied(await take(place("places", 3)), "a fourth call in three places");
    assert.deepEqual(answer.take, place("places", 3));
    assert.deepEqual(remainingOf(answer), [0]);
    assert.ok((answer.retryAfterMs ?? 0) > 0, "a place comes back at the latest with its lease");
    await store.release("two", [place("places", 3)], []);
    allowed(await take(place("places", 3)), "a call in the place that was given back");
    denied(await take(place("places", 3)), "a second call in that place");
  });

  add("names a rate before the places: its wait is certain", async ({ take }) => {
    await take(place("places", 1), rate("requests", 1));
    const answer = denied(await take(place("places", 1), rate("requests", 1)), "a call that neither has room for");
    assert.deepEqual(answer.take, rate("requests", 1));
  });

  add("frees the places of a process that died, by time", async ({ store, take, pass, waits }) => {
    const leaseMs = waits ? 300 : 30_000;
    await store.take("dead", [place("places", 2)], leaseMs);
    await store.take("alive", [place("places", 2)], LEASE_MS);
    denied(await take(place("places", 2)), "a third call in two places");
    await pass(leaseMs + 1);
    allowed(await take(place("places", 2)), "a call in the place of one that died");
    denied(await take(place("places", 2)), "a call in the place of one that lives");
  });

  add("keeps the places of calls that go on", async ({ store, take, pass, waits }) => {
    const leaseMs = waits ? 800 : 30_000;
    await store.take("long", [place("places", 1)], leaseMs);
    for (let time = 1; time <= 3; time++) {
      await pass(leaseMs / 2);
      await store.renew("long", [place("places", 1)], leaseMs);
    }
    denied(await take(place("places", 1)), "a call in a place that was renewed");
    await pass(leaseMs + 1);
    allowed(await take(place("places", 1)), "a call in a place that was not renewed any more");
  });

  add("corrects a call that was renewed beyond its first lease", async ({ store, take, pass, waits }) => {
    const leaseMs = waits ? 800 : 30_000;
    const tokens = rate("tokens", 100, 80);
    await store.take("long", [tokens], leaseMs);
    for (let time = 1; time <= 3; time++) {
      await pass(leaseMs / 2);
      await store.renew("long", [tokens], leaseMs);
    }
    await store.release("long", [tokens], [{ take: tokens, difference: -50 }]);
    const { states } = await take(rate("tokens", 100, 10));
    // what comes back within a minute of an hour
    assert.ok([60, 61].includes(states[0]?.remaining ?? 0), `${states[0]?.remaining} are left, not 60`);
  });

  add("does not bring back a place by renewing it late", async ({ store, take, pass, waits }) => {
    const leaseMs = waits ? 200 : 30_000;
    await store.take("late", [place("places", 1)], leaseMs);
    await pass(leaseMs + 1);
    allowed(await take(place("places", 1)), "a call in a place whose lease is over");
    await store.renew("late", [place("places", 1)], LEASE_MS);
    await store.release("late", [place("places", 1)], []);
    denied(await take(place("places", 1)), "a call in a place that another holds");
    await store.take("gone", [place("others", 1)], LEASE_MS);
    await store.release("gone", [place("others", 1)], []);
    await store.renew("gone", [place("others", 1)], LEASE_MS);
    allowed(await take(place("others", 1)), "a call in a place that was renewed after it was given back");
  });

  add("gives places among 1,000 at once to none too many", async ({ store }) => {
    const places = [place("crowd", 20), place("crowd/wide", 500)];
    const answers = await Promise.all(
      Array.from({ length: 1_000 }, async (_, index) => await store.take(`crowd-${index}`, places, LEASE_MS)),
    );
    const held = answers.flatMap((answer, index) => (answer.allowed ? [`crowd-${index}`] : []));
    assert.equal(held.length, 20);
    for (const id of held) await store.release(id, places, []);
    assert.deepEqual(remainingOf(await store.take("afterwards", places, LEASE_MS)), [19, 499]);
  });

  add(
    "counts the places of all processes",
    async ({ store, another }) => {
      const other = await another();
      const tokens = rate("tokens", 100, 60);
      allowed(await store.take("here", [place("places", 2), tokens], LEASE_MS), "the first");
      allowed(await other.take("there", [place("places", 2)], LEASE_MS), "the second");
      denied(await store.take("third", [place("places", 2)], LEASE_MS), "a third call in two places");
      denied(await other.take("fourth", [rate("tokens", 100, 60)], LEASE_MS), "60 of the 40 that another has left");
      await store.release("here", [place("places", 2), tokens], [{ take: tokens, difference: -60 }]);
      assert.deepEqual(remainingOf(await other.take("fifth", [place("places", 2), tokens], LEASE_MS)), [0, 40]);
    },
    ["shared"],
  );
}
