import type { Attempt, BudgetRule, Scope } from "@signalbox/kernel";
import { grants } from "@signalbox/kernel";
import { sameScope } from "./attempt-scopes.ts";

/** Stands for each one of a kind. */
const EACH = "*";

/** What a call brings along decides about these; the others are the caller's own, and whoever knows it has checked them. */
const OF_THE_CALL: ReadonlySet<string> = new Set(["customer", "tag", "session", "provider", "deployment"]);

/** Which budgets an attempt counts against. */
export class RuleBook {
  readonly #named: readonly BudgetRule[];
  readonly #each: readonly BudgetRule[];

  constructor(rules: readonly BudgetRule[]) {
    this.#named = rules.filter(({ scope }) => scope.id !== EACH);
    this.#each = rules.filter(({ scope }) => scope.id === EACH);
  }

  /** Rules with the scope that they stand for: never `*`. */
  applying({ principal, deployment }: Attempt, scopes: readonly Scope[]): readonly BudgetRule[] {
    const found: BudgetRule[] = [];
    for (const rule of principal.budgets ?? []) {
      if (!covers(rule.scope.model, deployment.model)) continue;
      if (!OF_THE_CALL.has(rule.scope.kind) || isIn(rule.scope, scopes)) found.push(rule);
    }
    for (const rule of this.#named) {
      if (covers(rule.scope.model, deployment.model) && isIn(rule.scope, scopes)) found.push(rule);
    }
    if (this.#each.length === 0) return found;
    const named = found.length;
    for (const rule of this.#each) {
      const { kind, model } = rule.scope;
      if (!covers(model, deployment.model)) continue;
      for (const { kind: ofKind, id } of scopes) {
        if (ofKind !== kind) continue;
        const scope: Scope = model === undefined ? { kind, id } : { kind, id, model };
        if (!isNamed(found, named, scope)) found.push({ ...rule, scope });
      }
    }
    return found;
  }
}

/** A budget of a model, or of all models that a wildcard covers together. */
function covers(pattern: string | undefined, model: string): boolean {
  return pattern === undefined || grants(pattern, model);
}

function isIn({ kind, id }: Scope, scopes: readonly Scope[]): boolean {
  for (const scope of scopes) if (scope.kind === kind && scope.id === id) return true;
  return false;
}

function isNamed(rules: readonly BudgetRule[], count: number, scope: Scope): boolean {
  for (let at = 0; at < count; at++) if (sameScope((rules[at] as BudgetRule).scope, scope)) return true;
  return false;
}
