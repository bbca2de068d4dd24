import assert from "node:assert/strict";
import type { BudgetLine, EntryStatus } from "../ledger.ts";
import type { ReservationCase } from "./reservation-case.ts";
import { LONG_LEASE_MS } from "./reservation-case.ts";

interface Modelled {
  readonly estimate: bigint;
  readonly lines: readonly BudgetLine[];
  /** Undefined while it is held. */
  status: EntryStatus | undefined;
  posted: bigint;
}

const RUNS = 5;
const STEPS = 80;
const IDS = 12;
const LIMITS: readonly (bigint | null)[] = [120n, 60n, null];

/** Random operations in any order and repetition, on a store and on the simplest model of one, side by side. */
export function checkRandomRuns(add: (name: string, body: (one: ReservationCase) => Promise<void>) => void): void {
  for (let seed = 1; seed <= RUNS; seed++) {
    add(`agrees with its model in any order of operations (${seed} of ${RUNS})`, (one) => randomRun(one, seed));
  }
}

async function randomRun(one: ReservationCase, seed: number): Promise<void> {
  const random = randomSource(seed);
  const all = LIMITS.map((limit, index) => one.line(`line${index}`, limit));
  const ids = Array.from({ length: IDS }, () => one.id());
  const model = new Map<string, Modelled>();
  for (let step = 0; step < STEPS; step++) {
    const id = ids[random(IDS)] as string;
    const lines = all.filter((_, index) => (1 << index) & (1 + random(7)));
    const what = `seed ${seed}, step ${step}`;
    const known = model.get(id);
    if (random(2) === 0) {
      const estimate = BigInt(1 + random(40));
      const answer = await one.store.reserve({ id, estimate, lines }, LONG_LEASE_MS);
      const denies = lines.some((line) => line.limit !== null && sum(model, line) + estimate > line.limit);
      assert.equal(answer.held, known !== undefined || !denies, what);
      if (known === undefined && !denies) model.set(id, { estimate, lines, status: undefined, posted: 0n });
    } else {
      const status = (["final", "counted", "estimated"] as const)[random(3)] as Exclude<EntryStatus, "void">;
      const actual = BigInt(random(40));
      await one.settle(id, actual, lines, status);
      if (known === undefined) model.set(id, { estimate: 0n, lines, status, posted: actual });
      else if (known.status === undefined || (known.status !== "final" && status === "final")) {
        known.status = status;
        known.posted = actual;
      }
    }
    for (const line of all) {
      const balance = await one.store.balance(line);
      const expected = { posted: posted(model, line), pending: pending(model, line) };
      assert.deepEqual({ posted: balance.posted, pending: balance.pending }, expected, what);
    }
  }
}

function of(model: ReadonlyMap<string, Modelled>, line: BudgetLine): readonly Modelled[] {
  return [...model.values()].filter(({ lines }) => lines.includes(line));
}

function posted(model: ReadonlyMap<string, Modelled>, line: BudgetLine): bigint {
  return of(model, line).reduce((total, each) => total + each.posted, 0n);
}

function pending(model: ReadonlyMap<string, Modelled>, line: BudgetLine): bigint {
  return of(model, line).reduce((total, { status, estimate }) => total + (status === undefined ? estimate : 0n), 0n);
}

function sum(model: ReadonlyMap<string, Modelled>, line: BudgetLine): bigint {
  return posted(model, line) + pending(model, line);
}

/** Numbers below `bound`, the same for the same seed (mulberry32). */
function randomSource(seed: number): (bound: number) => number {
  let state = seed * 0x9e37_79b9;
  return (bound) => {
    state = (state + 0x6d2b_79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound;
  };
}
