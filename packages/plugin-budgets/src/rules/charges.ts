import type { Attempt, BudgetRule, Deployment, Entry, Principal, Scope } from "@signalbox/kernel";
import type { Periods } from "@signalbox/kernel/ledger";
import { attemptScopes } from "./attempt-scopes.ts";
import type { ChargedLine } from "./charged-lines.ts";
import { chargedLines } from "./charged-lines.ts";
import type { RuleBook } from "./rule-book.ts";

/** What an attempt is charged to. Its lists are frozen: whoever writes them knows them again. */
export interface Charge {
  readonly scopes: readonly Scope[];
  readonly lines: readonly ChargedLine[];
  /** What an entry says of the lines. */
  readonly named: NonNullable<Entry["lines"]>;
}

interface Remembered extends Charge {
  readonly deployment: Deployment;
  /** Epoch milliseconds: then a period ends, or an increase. */
  readonly until: number;
}

/** Tells what attempts are charged to: worked out once for all calls of a caller that bring nothing of their own along. */
export class Charges {
  readonly #rules: RuleBook;
  readonly #periods: Periods;
  /** By the id of the deployment. */
  readonly #remembered = new WeakMap<Principal, Map<string, Remembered>>();

  constructor(rules: RuleBook, periods: Periods) {
    this.#rules = rules;
    this.#periods = periods;
  }

  of(attempt: Attempt, now: number): Charge {
    const { principal, deployment, options } = attempt;
    if (options.endUserId !== undefined || options.sessionId !== undefined || options.tags !== undefined) {
      return this.#workOut(attempt, now);
    }
    let ofPrincipal = this.#remembered.get(principal);
    const known = ofPrincipal?.get(deployment.id);
    if (known !== undefined && known.deployment === deployment && now < known.until) return known;
    if (ofPrincipal === undefined) {
      ofPrincipal = new Map();
      this.#remembered.set(principal, ofPrincipal);
    }
    const fresh = this.#workOut(attempt, now);
    ofPrincipal.set(deployment.id, fresh);
    return fresh;
  }

  #workOut(attempt: Attempt, now: number): Remembered {
    const scopes = attemptScopes(attempt);
    const rules = this.#rules.applying(attempt, scopes);
    const lines = chargedLines(rules, this.#periods, now);
    for (const { scope } of lines) if (scope.model !== undefined) scopes.push(scope);
    return {
      deployment: attempt.deployment,
      scopes: Object.freeze(scopes),
      lines: Object.freeze(lines),
      named: Object.freeze(lines.map(({ scope, period }) => ({ scope, period }))),
      until: firstChange(rules, lines, now),
    };
  }
}

function firstChange(rules: readonly BudgetRule[], lines: readonly ChargedLine[], now: number): number {
  let until = Number.POSITIVE_INFINITY;
  for (const { endsAt } of lines) if (endsAt !== undefined) until = Math.min(until, endsAt);
  for (const { increase } of rules)
    if (increase !== undefined && now < increase.until) until = Math.min(until, increase.until);
  return until;
}
