import type { BudgetRule, Principal, Scope } from "@signalbox/kernel";

/** Nano-dollars. */
export interface Caps {
  readonly key: bigint;
  readonly teamDay: bigint;
  readonly teamMonth: bigint;
  readonly otherTeam: bigint;
  readonly gateway: bigint;
}

/** What a gateway of the fleet is told, as JSON. */
export interface GatewayTask {
  readonly upstream: string;
  readonly redis: string;
  readonly database: string;
  /** Of the keys in Redis, and the schema in PostgreSQL: every round has its own. */
  readonly name: string;
  readonly spool: string;
  readonly caps: Readonly<Record<keyof Caps, string>>;
  readonly leaseMs: number;
  readonly drainMs: number;
}

/** Caps of which the smallest is reached within seconds, and the largest late or never. */
export function capsOf(key: number): Caps {
  const nano = BigInt(key);
  return { key: nano, teamDay: nano * 3n, teamMonth: nano * 4n, otherTeam: nano * 3n, gateway: nano * 6n };
}

function rule(kind: Scope["kind"], id: string, limit: bigint | null, duration?: string): BudgetRule {
  return { scope: { kind, id }, limit, ...(duration !== undefined && { duration }) };
}

/** Two organizations, wide open; a key with a cap; a team with two windows, and one with a cap. */
export function callers(caps: Caps): Readonly<Record<string, Principal>> {
  const team = [rule("team", "team-a", caps.teamDay, "1d"), rule("team", "team-a", caps.teamMonth, "1mo")];
  const a = { organizationId: "org-a", teamId: "team-a", kind: "key", admin: false, models: ["*"] } as const;
  const b = { organizationId: "org-b", teamId: "team-b", kind: "key", admin: false, models: ["*"] } as const;
  const orgA = rule("organization", "org-a", null, "1mo");
  const orgB = rule("organization", "org-b", null);
  const other = rule("team", "team-b", caps.otherTeam);
  return {
    a1: { ...a, id: "a1", budgets: [orgA, ...team, rule("key", "a1", caps.key)] },
    a2: { ...a, id: "a2", userId: "u-2", budgets: [orgA, ...team] },
    b1: { ...b, id: "b1", tags: ["blue"], budgets: [orgB, other] },
    b2: { ...b, id: "b2", budgets: [orgB, other, rule("key", "b2", caps.key)] },
  };
}

/** What holds for all calls together. */
export function gatewayRules(caps: Caps): readonly BudgetRule[] {
  return [rule("gateway", "gateway", caps.gateway), rule("deployment", "paid-1", null)];
}

/** The limit of a line, by its scope and the form of its period. */
export function capOf(caps: Caps, scope: Scope, period: string): bigint | null {
  const principals = Object.values(callers(caps)).flatMap(({ budgets }) => budgets ?? []);
  for (const { scope: ofRule, limit, duration } of [...principals, ...gatewayRules(caps)]) {
    if (ofRule.kind !== scope.kind || ofRule.id !== scope.id) continue;
    if (PERIODS[duration ?? "all"]?.test(period) === true) return limit;
  }
  throw new Error(`no rule has the line ${scope.kind} ${scope.id} ${period}`);
}

const PERIODS: Readonly<Record<string, RegExp>> = { all: /^all$/, "1d": /^\d{4}-\d\d-\d\d$/, "1mo": /^\d{4}-\d\d$/ };
