import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { LimitTake, StateListener } from "@signalbox/kernel";
import { MemoryLimits, MemoryState } from "@signalbox/kernel";
import { ActiveShares } from "../src/active-shares.ts";

const MINUTE = 60_000;
const share = (member: string, weight = 1, least?: number) => ({
  of: { kind: "team", id: "t" },
  group: "team/t",
  member,
  weight,
  ...(least !== undefined && { least }),
});

describe("shares", () => {
  it("are all of it for one, and by weight among many; idle keys give theirs up after a minute", () => {
    let now = 0;
    const shares = new ActiveShares(() => now);
    expect(shares.of(share("a"), 100)).toBe(100);
    expect(shares.of(share("b", 3), 100)).toBe(75);
    expect(shares.of(share("a"), 100)).toBe(25);
    now = MINUTE - 1;
    expect(shares.of(share("a"), 100)).toBe(25);
    now = MINUTE;
    expect(shares.of(share("a"), 100)).toBe(100);
    expect(shares.size).toBe(1);
  });

  it("are at least one unit, and what a key always has; of nothing they are nothing", () => {
    const shares = new ActiveShares(() => 0);
    for (let key = 0; key < 50; key++) shares.of(share(`k-${key}`), 10);
    expect(shares.of(share("k-0"), 10)).toBe(1);
    expect(shares.of(share("k-0", 1, 4), 10)).toBe(4);
    expect(shares.of(share("k-0", 1, 40), 10)).toBe(10);
    expect(shares.of(share("k-0"), 0)).toBe(0);
  });

  it("are those of the keys that asked within the last minute, whatever happens, and never add up to more", () => {
    const step = fc.record({ key: fc.nat(6), pass: fc.integer({ min: 0, max: 40_000 }) });
    const weights = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 7, maxLength: 7 });
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 60 }),
        weights,
        fc.integer({ min: 100, max: 5_000 }),
        (steps, weight, limit) => {
          let now = 0;
          const shares = new ActiveShares(() => now);
          const last = new Map<number, number>();
          for (const { key, pass } of steps) {
            now += pass;
            last.set(key, now);
            const active = [...last].filter(([, at]) => at > now - MINUTE).map(([each]) => each);
            const total = active.reduce((sum, each) => sum + (weight[each] as number), 0);
            const of = (each: number): number => Math.floor((limit * (weight[each] as number)) / total);
            expect(shares.of(share(`k-${key}`, weight[key]), limit)).toBe(of(key));
            expect(active.reduce((sum, each) => sum + of(each), 0)).toBeLessThanOrEqual(limit);
            expect(shares.size).toBe(active.length);
          }
        },
      ),
    );
  });

  it("forget groups that nobody asks for any more", () => {
    let now = 0;
    const shares = new ActiveShares(() => now);
    for (let team = 0; team < 100; team++) shares.of({ ...share("a"), group: `team/${team}` }, 10);
    expect(shares.size).toBe(100);
    now = MINUTE;
    for (let call = 0; call < 120; call++) shares.of({ ...share("a"), group: "team/x" }, 10);
    expect(shares.size).toBe(1);
  });
});

describe("a limit that is shared out", () => {
  const team: Omit<LimitTake, "cost"> = { key: "team/t/requests", kind: "rate", limit: 60, periodMs: MINUTE };

  /** Keys that ask every so many milliseconds; answers when who was let through. */
  function simulate(
    keys: readonly {
      readonly name: string;
      readonly everyMs: number;
      readonly fromMs: number;
      readonly untilMs: number;
    }[],
    lastsMs: number,
  ): readonly { readonly name: string; readonly at: number }[] {
    let now = 0;
    const store = new MemoryLimits({ now: () => now });
    const shares = new ActiveShares(() => now);
    const through: { name: string; at: number }[] = [];
    for (let call = 0; now < lastsMs; now += 100) {
      for (const { name, everyMs, fromMs, untilMs } of keys) {
        if (now < fromMs || now >= untilMs || now % everyMs !== 0) continue;
        const limit = shares.of(share(name), team.limit);
        const takes = [
          { ...team, key: `key/${name}/requests`, limit, cost: 1 },
          { ...team, cost: 1 },
        ];
        const id = String(call++);
        if (store.take(id, takes, 1_000).allowed) through.push({ name, at: now });
        store.release(id, takes, []);
      }
    }
    return through;
  }

  it("is never passed, whoever asks when", () => {
    const key = fc.record({
      name: fc.constantFrom("a", "b", "c", "d"),
      everyMs: fc.constantFrom(100, 200, 500, 1_000, 2_000),
      fromMs: fc.integer({ min: 0, max: 200_000 }),
      untilMs: fc.integer({ min: 0, max: 300_000 }),
    });
    fc.assert(
      fc.property(fc.array(key, { maxLength: 6 }), (keys) => {
        const times = simulate(keys, 240_000).map(({ at }) => at);
        for (const [index, at] of times.entries()) {
          const within = times.slice(index).filter((other) => other < at + MINUTE).length;
          // GCRA: the limit, and a burst of it
          expect(within).toBeLessThanOrEqual(2 * team.limit);
        }
      }),
      { numRuns: 30 },
    );
  });

  it("gives a key that comes its fair share within a minute, beside one that takes all it can get", () => {
    const greedy = { name: "greedy", everyMs: 100, fromMs: 0, untilMs: 600_000 };
    const late = { name: "late", everyMs: 500, fromMs: 180_000, untilMs: 420_000 };
    const through = simulate([greedy, late], 600_000);
    const count = (name: string, from: number): number =>
      through.filter((each) => each.name === name && each.at >= from && each.at < from + MINUTE).length;
    // alone it has all of it
    expect(count("greedy", 120_000)).toBeGreaterThanOrEqual(59);
    // the other has half of it from its first minute on, and both have after a minute
    for (const from of [180_000, 240_000, 300_000]) expect(count("late", from)).toBeGreaterThanOrEqual(29);
    for (const from of [240_000, 300_000]) expect(count("greedy", from)).toBeGreaterThanOrEqual(29);
    // and when the other has gone, all of it again
    expect(count("greedy", 480_000 + MINUTE)).toBeGreaterThanOrEqual(59);
  });
});

describe("over processes", () => {
  /** A state that tells others what is written. */
  function joined(): readonly [MemoryState, MemoryState] {
    const listeners: StateListener[] = [];
    class Joined extends MemoryState {
      written = 0;
      #own: StateListener | undefined;
      override set(key: string, value: unknown, ttlMs: number): void {
        super.set(key, value, ttlMs);
        this.written++;
        for (const each of listeners) if (each !== this.#own) each(key, value);
      }
      override watch(_prefix: string, listener: StateListener): () => void {
        this.#own = listener;
        listeners.push(listener);
        return () => void listeners.splice(listeners.indexOf(listener), 1);
      }
    }
    return [new Joined(), new Joined()];
  }

  it("shares are those of all, a key counts once, and each is told of at most every 20 seconds", () => {
    let now = 0;
    const [state, otherState] = joined();
    const [one, other] = [new ActiveShares(() => now), new ActiveShares(() => now)];
    one.join(state);
    other.join(otherState);
    expect(one.of(share("a"), 90)).toBe(90);
    expect(other.of(share("b", 2), 90)).toBe(60);
    expect(one.of(share("a"), 90)).toBe(30);
    expect(other.of(share("a"), 90)).toBe(30);
    for (let call = 0; call < 100; call++) one.of(share("a"), 90);
    expect((state as MemoryState & { written: number }).written).toBe(1);
    now = 50_000;
    one.of(share("a"), 90);
    now = MINUTE + 1;
    // b was last told of a minute ago; a was, by the one process, since
    expect(other.of(share("b", 2), 90)).toBe(60);
    expect(other.size).toBe(2);
    one.close();
    other.close();
  });

  it("what is no weight in the state is passed over", () => {
    let listener: StateListener = () => {};
    class Told extends MemoryState {
      override watch(_prefix: string, given: StateListener): () => void {
        listener = given;
        return () => {};
      }
    }
    const shares = new ActiveShares(() => 0);
    shares.join(new Told());
    for (const value of [undefined, null, "3", -1, 0, Number.NaN, {}]) listener("limits/active/team/t|b", value);
    listener("limits/active/other", 1);
    expect(shares.of(share("a"), 10)).toBe(10);
    listener("limits/active/team/t|b", 1);
    expect(shares.of(share("a"), 10)).toBe(5);
  });
});
