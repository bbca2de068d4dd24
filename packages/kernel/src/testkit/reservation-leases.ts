import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import type { ReservationCase } from "./reservation-case.ts";
import { LONG_LEASE_MS } from "./reservation-case.ts";

type Add = (name: string, body: (one: ReservationCase) => Promise<void>) => void;

const SHORT_LEASE_MS = 40;
/** Until a short lease is over on any clock. */
const EXPIRED_MS = 120;

/** Nothing is released silently: what is not renewed is posted at its estimate. */
export function checkLeases(add: Add): void {
  add("posts a reservation whose lease is over at its estimate, and tells it once", async (one) => {
    const lines = [one.line("dead", 100n), one.line("dead", 100n, "2026-11")];
    const id = await one.held(30n, lines, SHORT_LEASE_MS);
    const alive = await one.held(5n, lines);
    await sleep(EXPIRED_MS);
    await one.balances(lines, 0n, 35n);
    const reaped = (await one.store.reap()).find((each) => each.id === id);
    assert.deepEqual(reaped, { id, estimate: 30n, lines });
    await one.balances(lines, 30n, 5n);
    assert.deepEqual(await one.reap(), new Map());
    await one.balances(lines, 30n, 5n);
    await one.settle(alive, 5n, lines);
    await one.balances(lines, 35n, 0n);
  });

  add("reaps in several at once only once", async (one) => {
    const lines = [one.line("race", 1_000n)];
    for (let index = 0; index < 20; index++) await one.held(10n, lines, SHORT_LEASE_MS);
    await sleep(EXPIRED_MS);
    const found = await Promise.all(Array.from({ length: 10 }, () => one.reap()));
    assert.equal(
      found.reduce((total, { size }) => total + size, 0),
      20,
    );
    await one.balances(lines, 200n, 0n);
  });

  add("corrects what was reaped by a late settlement", async (one) => {
    const lines = [one.line("slow", 100n)];
    const id = await one.held(30n, lines, SHORT_LEASE_MS);
    await sleep(EXPIRED_MS);
    assert.deepEqual(await one.reap(), new Map([[id, 30n]]));
    await one.settle(id, 12n, lines);
    await one.settle(id, 12n, lines);
    await one.balances(lines, 12n, 0n);
    assert.deepEqual(await one.store.reserve({ id, estimate: 30n, lines }, LONG_LEASE_MS), { held: true });
    await one.balances(lines, 12n, 0n);
  });

  add("does not reap what was renewed, settled or is still leased", async (one) => {
    const lines = [one.line("alive", 1_000n)];
    const renewed = await one.held(10n, lines, SHORT_LEASE_MS);
    const settled = await one.held(10n, lines, SHORT_LEASE_MS);
    await one.held(10n, lines);
    await one.store.renew([renewed], LONG_LEASE_MS);
    await one.settle(settled, 3n, lines);
    await sleep(EXPIRED_MS);
    assert.deepEqual(await one.reap(), new Map());
    await one.balances(lines, 3n, 20n);
  });

  add("counts a lease that is over until it is reaped, and may renew it until then", async (one) => {
    const line = one.line("over", 10n);
    const id = await one.held(10n, [line], SHORT_LEASE_MS);
    await sleep(EXPIRED_MS);
    await one.denied(1n, line);
    await one.store.renew([id], LONG_LEASE_MS);
    assert.deepEqual(await one.reap(), new Map());
  });

  add("takes renewals of what it does not hold", async (one) => {
    const lines = [one.line("gone", 100n)];
    const settled = await one.held(10n, lines);
    await one.settle(settled, 4n, lines);
    await one.store.renew([settled, one.id()], 1);
    await one.store.renew([], LONG_LEASE_MS);
    await sleep(EXPIRED_MS);
    assert.deepEqual(await one.reap(), new Map());
    await one.balances(lines, 4n, 0n);
  });
}

/** Differences that a reconciler finds. */
export function checkCorrections(add: Add): void {
  add("says that what is reserved is what is held, and how much nobody reaps", async (one) => {
    if (one.store.checkHeld === undefined) return;
    const large = 5_000_000_000_000_001n;
    const lines = [one.line("checked", null), one.line("checked", null, "2026-11")];
    await one.held(large, lines);
    await one.held(large, lines.slice(1));
    const id = await one.held(1n, lines, SHORT_LEASE_MS);
    const unused = one.line("unused", null);
    const before = await one.store.checkHeld([unused, ...lines], LONG_LEASE_MS);
    assert.deepEqual(before, { differing: [], overdue: 0 });
    await sleep(EXPIRED_MS);
    const after = await one.store.checkHeld([], 1);
    assert.deepEqual(after?.differing, []);
    assert.ok((after?.overdue ?? 0) > 0, "a reservation that nobody renews is overdue");
    assert.ok((await one.reap()).has(id));
  });

  add("moves what is posted by a difference, unless it has changed", async (one) => {
    const line = one.line("drift", 100n);
    await one.settle(await one.held(50n, [line]), 40n, [line]);
    await one.held(5n, [line]);
    assert.equal(await one.store.correct(line, 39n, 10n), false);
    await one.balances([line], 40n, 5n);
    assert.equal(await one.store.correct(line, 40n, 10n), true);
    await one.balances([line], 50n, 5n);
    assert.equal(await one.store.correct(line, 50n, -20n), true);
    await one.balances([line], 30n, 5n);
    const unused = one.line("rebuilt", 100n);
    assert.equal(await one.store.correct(unused, 0n, 90n), true);
    assert.deepEqual(await one.denied(11n, unused), { posted: 90n, pending: 0n });
  });
}
