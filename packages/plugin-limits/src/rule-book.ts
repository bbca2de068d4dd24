import type { Call, LimitRule, Principal, Scope } from "@signalbox/kernel";
import { grants } from "@signalbox/kernel";
import type { Counter } from "./counter.ts";
import { countersOf } from "./counter.ts";
import type { Limit, LimitsOptions, ModelLimits, TokenKind } from "./options.ts";

/** A rule with its counters, made once for many calls. */
interface Line {
  readonly scope: Scope;
  readonly counters: readonly Counter[];
}

/** What holds for the calls of one caller. */
interface Plan {
  /** Count every call. */
  readonly always: readonly Counter[];
  /** Count calls of a model, an end user, a tag, a session. */
  readonly sometimes: readonly Line[];
}

const UNITS: readonly Counter["unit"][] = ["parallel", "requests", "tokens"];
/** Known at the call alone. */
const OF_CALLS: ReadonlySet<string> = new Set(["customer", "model", "session", "tag"]);
/** Chosen behind this layer: the limits of deployments are their own. */
const OF_ATTEMPTS: ReadonlySet<string> = new Set(["provider", "deployment"]);

/** Finds what a call counts against. */
export class RuleBook {
  readonly #options: LimitsOptions;
  readonly #tokens: TokenKind;
  readonly #plans = new WeakMap<Principal, Plan>();

  constructor(options: LimitsOptions) {
    this.#options = options;
    this.#tokens = options.tokens ?? "total";
  }

  /** Concurrency, requests, tokens; each counter once. Empty: nothing limits the call. */
  countersFor(call: Call): readonly Counter[] {
    const { principal, options } = call;
    let plan = this.#plans.get(principal);
    if (plan === undefined) {
      plan = this.#planFor(principal);
      this.#plans.set(principal, plan);
    }
    const { customers, rules } = this.#options;
    const customer = customers === undefined ? undefined : options.endUserId;
    const own = rules?.(call);
    if (plan.sometimes.length === 0 && customer === undefined && own === undefined) return plan.always;
    const counters: Counter[] = [];
    for (const rule of own ?? []) if (appliesTo(rule.scope, call)) counters.push(...countersOf(rule, this.#tokens));
    for (const line of plan.sometimes) if (appliesTo(line.scope, call)) counters.push(...line.counters);
    counters.push(...plan.always);
    if (customer !== undefined) {
      counters.push(...countersOf({ ...customers, scope: { kind: "customer", id: customer } }, this.#tokens));
    }
    return counters.length < 2 ? counters : inOrder(counters);
  }

  #planFor(principal: Principal): Plan {
    const lines = this.#rulesOf(principal).map((rule) => ({
      scope: rule.scope,
      counters: countersOf(rule, this.#tokens),
    }));
    const always = lines.filter(({ scope }) => scope.model === undefined && !OF_CALLS.has(scope.kind));
    return {
      always: inOrder(always.flatMap(({ counters }) => counters)),
      sometimes: lines.filter((line) => !always.includes(line)),
    };
  }

  /** The caller's own come first: of two rules for one counter the first holds. */
  #rulesOf(principal: Principal): readonly LimitRule[] {
    const { id, kind, userId, teamId, organizationId, limits = [] } = principal;
    const { gateway, models, keys, users, teams, organizations, keyModels, teamModels } = this.#options;
    const rules = limits.filter(({ scope }) => !OF_ATTEMPTS.has(scope.kind));
    const add = (limit: Limit | undefined, scope: Scope): void => {
      if (limit !== undefined) rules.push({ ...limit, scope });
    };
    const addModels = (perModel: ModelLimits | undefined, scope: Scope): void => {
      for (const [model, limit] of Object.entries(perModel ?? {})) add(limit, { ...scope, model });
    };
    if (kind === "key" || kind === "service") {
      add(keys, { kind: "key", id });
      addModels(keyModels, { kind: "key", id });
    }
    if (userId !== undefined) add(users, { kind: "user", id: userId });
    if (teamId !== undefined) {
      add(teams, { kind: "team", id: teamId });
      addModels(teamModels, { kind: "team", id: teamId });
    }
    if (organizationId !== undefined) add(organizations, { kind: "organization", id: organizationId });
    for (const [id, limit] of Object.entries(models ?? {})) add(limit, { kind: "model", id });
    add(gateway, { kind: "gateway", id: "gateway" });
    return rules;
  }
}

/** Whether a rule of a model, an end user, a tag or a session is meant for this call. */
function appliesTo({ kind, id, model }: Scope, { model: asked, options, principal }: Call): boolean {
  if (OF_ATTEMPTS.has(kind)) return false;
  if (model !== undefined && !grants(model, asked)) return false;
  if (kind === "model") return grants(id, asked);
  if (kind === "customer") return options.endUserId === id;
  if (kind === "session") return options.sessionId === id;
  if (kind === "tag") return options.tags?.includes(id) === true || principal.tags?.includes(id) === true;
  return true;
}

function inOrder(counters: readonly Counter[]): readonly Counter[] {
  const seen = new Set<string>();
  const ordered: Counter[] = [];
  for (const unit of UNITS) {
    for (const counter of counters) {
      if (counter.unit !== unit || seen.has(counter.name)) continue;
      seen.add(counter.name);
      ordered.push(counter);
    }
  }
  return ordered;
}
