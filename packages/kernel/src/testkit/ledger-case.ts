import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import type { BudgetLine, Entry, Ledger, Scope } from "../ledger.ts";
import type { NanoUsd } from "../money.ts";

/** What a counter shows. The ledger tells it when it denies. */
export interface Counted {
  readonly spent: NanoUsd;
  readonly pending: NanoUsd;
}

/** Scopes and ids that no other case and no earlier run has used. */
export class LedgerCase {
  readonly ledger: Ledger;
  readonly #run: string = randomUUID();
  #ids = 0;

  constructor(ledger: Ledger) {
    this.ledger = ledger;
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

  async held(estimate: NanoUsd, ...lines: readonly BudgetLine[]): Promise<string> {
    const id = this.id();
    const answer = await this.ledger.reserve({ id, estimate, lines });
    assert.deepEqual(answer, { held: true }, `a reservation of ${estimate} should be held`);
    return id;
  }

  async denied(estimate: NanoUsd, ...lines: readonly BudgetLine[]): Promise<Counted> {
    const answer = await this.ledger.reserve({ id: this.id(), estimate, lines });
    assert.equal(answer.held, false, `a reservation of ${estimate} should be denied`);
    return answer as Exclude<typeof answer, { readonly held: true }>;
  }

  /** Asks for more than a line can ever hold: the denial tells where its counter stands. */
  async counter({ scope, period }: BudgetLine): Promise<Counted> {
    const { spent, pending } = await this.denied(1n, { scope, period, limit: 0n });
    return { spent, pending };
  }

  entry(id: string, scopes: readonly Scope[], billed: NanoUsd, change: Partial<Entry> = {}): Entry {
    const now = Date.now();
    return {
      id,
      callId: id.split("/")[0] as string,
      attempt: 1,
      operation: "chat",
      model: "kit-model",
      deployment: "kit-deployment",
      provider: "kit",
      scopes,
      usage: { inputTokens: 10, outputTokens: 5, cacheReadTokens: 3 },
      cost: billed,
      billed,
      status: "final",
      startedAt: now,
      endedAt: now,
      ...change,
    };
  }
}
