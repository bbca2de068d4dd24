import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import type { BudgetLine, EntryStatus, Scope } from "../ledger.ts";
import type { LineBalance, ReservationStore } from "../ledger-stores.ts";
import type { NanoUsd } from "../money.ts";

/** Longer than a case runs. */
export const LONG_LEASE_MS = 60_000;

/** Lines and ids that no other case and no earlier run has used. */
export class ReservationCase {
  readonly store: ReservationStore;
  readonly #run: string = randomUUID();
  #ids = 0;

  constructor(store: ReservationStore) {
    this.store = store;
  }

  id(): string {
    this.#ids++;
    return `${this.#run}/${this.#ids}`;
  }

  scope(name: string, kind: string = "key"): Scope {
    return { kind, id: `${name}-${this.#run}` };
  }

  line(name: string, limit: NanoUsd | null, period: string = "all"): BudgetLine {
    return { scope: this.scope(name), period, limit };
  }

  async held(estimate: NanoUsd, lines: readonly BudgetLine[], leaseMs: number = LONG_LEASE_MS): Promise<string> {
    const id = this.id();
    const answer = await this.store.reserve({ id, estimate, lines }, leaseMs);
    assert.deepEqual(answer, { held: true }, `a reservation of ${estimate} should be held`);
    return id;
  }

  async denied(estimate: NanoUsd, line: BudgetLine): Promise<LineBalance> {
    const answer = await this.store.reserve({ id: this.id(), estimate, lines: [line] }, LONG_LEASE_MS);
    if (answer.held) assert.fail(`a reservation of ${estimate} should be denied`);
    assert.deepEqual(answer.line, line, "a denial names its line");
    return { posted: answer.spent, pending: answer.pending };
  }

  settle(
    id: string,
    actual: NanoUsd,
    lines: readonly BudgetLine[],
    status: Exclude<EntryStatus, "void"> = "final",
  ): Promise<void> {
    return this.store.settle([{ id, actual, status, lines }]);
  }

  async balances(lines: readonly BudgetLine[], posted: NanoUsd, pending: NanoUsd): Promise<void> {
    for (const line of lines) {
      const balance = await this.store.balance(line);
      assert.deepEqual(
        { posted: balance.posted, pending: balance.pending },
        { posted, pending },
        `balance of ${JSON.stringify(line.scope)} in ${line.period}`,
      );
    }
    const together = (await this.store.balances?.(lines)) ?? lines.map(() => ({ posted, pending }));
    assert.deepEqual(
      together,
      lines.map(() => ({ posted, pending })),
      "balances together",
    );
  }

  /** Those of this case among what was reaped. */
  async reap(store: ReservationStore = this.store): Promise<ReadonlyMap<string, NanoUsd>> {
    const mine = (await store.reap()).filter(({ id }) => id.startsWith(this.#run));
    assert.equal(new Set(mine.map(({ id }) => id)).size, mine.length, "reaped twice");
    return new Map(mine.map(({ id, estimate }) => [id, estimate]));
  }
}
