import assert from "node:assert/strict";
import { isGatewayError } from "../errors.ts";
import type { BudgetLine } from "../ledger.ts";
import type { CounterRecovery, LineSum, ReservationStore } from "../ledger-stores.ts";
import { LONG_LEASE_MS, ReservationCase } from "./reservation-case.ts";

type Add = (name: string, body: (one: ReservationCase) => Promise<void>) => void;

/** A settlement that says what its entry has posted. */
export function checkRecall(add: Add): void {
  add("posts only the difference to what an entry says, of an id that it does not know", async (one) => {
    const lines = [one.line("recalled", 100n)];
    // what the entries of these have posted, as a counter has it that has forgotten the ids
    await one.store.correct(lines[0] as BudgetLine, 0n, 60n);
    const [same, less, guess] = [one.id(), one.id(), one.id()];
    const settlements = [
      { id: same, actual: 20n, status: "final", lines, written: 20n },
      { id: less, actual: 5n, status: "final", lines, written: 30n },
      { id: guess, actual: 50n, status: "estimated", lines, written: 10n },
    ] as const;
    for (let time = 1; time <= 2; time++) {
      await one.store.settle(settlements);
      await one.balances(lines, 35n, 0n);
    }
  });

  add("settles what is held as ever, whatever an entry says", async (one) => {
    const lines = [one.line("held", 100n)];
    const id = await one.held(50n, lines);
    await one.store.settle([{ id, actual: 20n, status: "final", lines, written: 20n }]);
    await one.balances(lines, 20n, 0n);
    await one.store.settle([{ id, actual: 20n, status: "final", lines, written: 20n }]);
    await one.balances(lines, 20n, 0n);
  });
}

/** Counters that were lost, and come back. */
export async function checkRecovery(
  one: ReservationCase,
  other: ReservationStore,
  lose: () => Promise<void>,
): Promise<void> {
  const { store } = one;
  const mine = recovering(store);
  const theirs = recovering(other);
  const [line, second] = [one.line("lost", 1_000n), one.line("second", 1_000n)];
  const before = await mine.generation();
  assert.equal(await theirs.generation(), before, "two processes name the same counters alike");
  const written = await one.held(100n, [line]);
  await one.settle(written, 90n, [line]);
  const unwritten = await one.held(70n, [line, second]);
  await one.settle(unwritten, 60n, [line, second], "estimated");
  const running = await one.held(30n, [line]);
  const elsewhere = one.id();
  await other.reserve({ id: elsewhere, estimate: 7n, lines: [second] }, LONG_LEASE_MS);

  await lose();
  assert.equal(await mine.generation(), undefined, "lost counters have no generation");
  const refused = (thrown: unknown): boolean => isGatewayError(thrown) && thrown.code === "ledger_unavailable";
  for (const work of [
    () => store.reserve({ id: one.id(), estimate: 1n, lines: [line] }, LONG_LEASE_MS),
    () => one.settle(written, 90n, [line]),
    () => store.balance(line),
    () => store.renew([running], LONG_LEASE_MS),
    () => store.reap(),
    () => store.correct(line, 0n, 1n),
  ]) {
    await assert.rejects(work, refused, "lost counters are never taken for free budgets");
  }

  let asked = 0;
  const part = (change: Partial<CounterRecovery>): CounterRecovery => ({
    held: [],
    unwritten: [],
    leaseMs: LONG_LEASE_MS,
    async *written(): AsyncGenerator<readonly LineSum[]> {
      asked++;
      yield [{ line: { scope: line.scope, period: line.period }, posted: 90n }];
      yield [];
    },
    ...change,
  });
  const told = part({
    held: [{ id: running, estimate: 30n, lines: [line] }],
    unwritten: [{ id: unwritten, actual: 60n, status: "estimated", lines: [line, second] }],
  });
  const late = part({ held: [{ id: elsewhere, estimate: 7n, lines: [second] }] });
  await Promise.all([mine.recover(told), theirs.recover(late)]);
  assert.equal(asked, 1, "one process rebuilds");
  const after = await mine.generation();
  assert.ok(after !== undefined && after !== before, "counters that were rebuilt have another generation");
  assert.equal(await theirs.generation(), after);
  await one.balances([line], 150n, 30n);
  await one.balances([second], 60n, 7n);

  await mine.recover(told);
  assert.equal(asked, 1, "nothing is rebuilt when it is there");
  await one.balances([line], 150n, 30n);
  await one.settle(unwritten, 60n, [line, second], "estimated");
  await one.settle(unwritten, 50n, [line, second]);
  await one.settle(running, 25n, [line]);
  await one.balances([line], 165n, 0n);
  await one.balances([second], 50n, 7n);
  const lost = one.id();
  await theirs.recover(part({ held: [{ id: lost, estimate: 3n, lines: [second] }] }));
  await one.balances([second], 50n, 10n);
  assert.equal(asked, 1, "a process that comes late adds what it has");
}

function recovering(store: ReservationStore): Required<Pick<ReservationStore, "generation" | "recover">> {
  assert.ok(store.generation !== undefined && store.recover !== undefined, "what can be lost can be rebuilt");
  return { generation: store.generation.bind(store), recover: store.recover.bind(store) };
}

/** A case of its own store, and of another process. */
export async function inTwoProcesses(
  store: ReservationStore,
  another: ((store: ReservationStore) => ReservationStore | Promise<ReservationStore>) | undefined,
  body: (one: ReservationCase, other: ReservationStore) => Promise<void>,
): Promise<void> {
  assert.ok(another !== undefined, "give another, or declare capabilities.shared: false");
  const other = await another(store);
  try {
    await body(new ReservationCase(store), other);
  } finally {
    await other.close?.();
  }
}
