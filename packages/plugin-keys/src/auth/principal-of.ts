import type { BudgetRule, LimitRule, Principal, RoutingPreferences, Scope } from "@signalbox/kernel";
import type { Bounds, KeyRecord, OrganizationRecord, RouterSettings, TeamRecord } from "../records/records.ts";
import type { BudgetExtras, SharedLimits } from "./bounds.ts";
import { budgetRules, limitRules, withBudget } from "./bounds.ts";
import { guardrailGrants } from "./guardrail-grants.ts";
import type { Identity } from "./identity.ts";
import { commonModels, plainModels, withGroups } from "./model-grants.ts";
import { routesOf } from "./route-grants.ts";

/** What a key may do: no more than any level above it allows. */
export function principalOf(identity: Identity): Principal {
  const { key, ancestors, user, team, organization } = identity;
  const budgets: BudgetRule[] = [];
  const limits: LimitRule[] = [];
  const bound = (scope: Scope, own: Bounds | undefined, extra?: BudgetExtras, shared?: SharedLimits): void => {
    if (own === undefined) return;
    const bounds = withBudget(own, identity.budgets.get(own.budget_id ?? ""));
    budgets.push(...budgetRules(scope, bounds, extra));
    limits.push(...limitRules(scope, bounds, shared));
  };
  for (const each of [key, ...ancestors]) {
    const extra: BudgetExtras = {
      increaseBy: each?.temp_budget_increase,
      increaseUntil: each?.temp_budget_expiry,
      windows: each?.budget_limits,
    };
    bound({ kind: "key", id: each?.id ?? "" }, each, extra, sharedLimits(each, identity));
  }
  if (user !== undefined) bound({ kind: "user", id: user.id }, user);
  if (team !== undefined) {
    bound({ kind: "team", id: team.id }, team);
    const member = team.members_with_roles.find(({ user_id }) => user_id === key.user_id);
    if (member !== undefined) {
      const { max_budget_in_team, tpm_limit, rpm_limit } = member;
      bound(
        { kind: "teamMember", id: `${team.id}/${member.user_id}` },
        {
          max_budget: max_budget_in_team ?? team.team_member_budget ?? null,
          tpm_limit: tpm_limit ?? team.team_member_tpm_limit ?? null,
          rpm_limit: rpm_limit ?? team.team_member_rpm_limit ?? null,
          budget_duration: team.team_member_budget_duration ?? team.budget_duration ?? null,
        },
      );
    }
  }
  if (organization !== undefined) bound({ kind: "organization", id: organization.id }, organization);
  const routes = routesOf(key.allowed_routes);
  const routing = routingOf(key.router_settings ?? team?.router_settings ?? null, key.budget_fallbacks ?? undefined);
  const aliases = { ...team?.model_aliases, ...key.aliases };
  const guardrails = guardrailGrants(team?.settings, key.settings);
  const cacheControls = cacheControlsOf(key.settings) ?? cacheControlsOf(team?.settings);
  const tags = [...new Set([...(team?.tags ?? []), ...key.tags])];
  return {
    id: key.id,
    kind: "key",
    admin: user?.user_role === "proxy_admin",
    models: modelsOf(identity),
    ...(key.user_id !== null && { userId: key.user_id }),
    ...(key.team_id !== null && { teamId: key.team_id }),
    ...(organization !== undefined && { organizationId: organization.id }),
    ...(tags.length > 0 && { tags }),
    ...(guardrails !== undefined && { guardrails }),
    ...(cacheControls !== undefined && { cacheControls }),
    ...(Object.keys(aliases).length > 0 && { aliases }),
    ...(routing !== undefined && { routing }),
    ...(budgets.length > 0 && { budgets }),
    ...(limits.length > 0 && { limits }),
    ...(routes !== undefined && { routes }),
    ...(key.key_alias !== null && { alias: key.key_alias }),
    metadata: key.metadata,
  };
}

/** What a dynamic key shares with others: the limit of its team, else of its organisation. */
function sharedLimits(key: KeyRecord | undefined, identity: Identity): SharedLimits | undefined {
  if (key?.rpm_limit_type !== "dynamic" && key?.tpm_limit_type !== "dynamic") return undefined;
  const { team, organization, budgets } = identity;
  const parents: readonly (readonly [Scope["kind"], TeamRecord | OrganizationRecord | undefined])[] = [
    ["team", team],
    ["organization", organization],
  ];
  const sharedOf = (field: "rpm_limit" | "tpm_limit"): { readonly of: Scope; readonly limit: number } | undefined => {
    for (const [kind, parent] of parents) {
      const limit = parent === undefined ? null : withBudget(parent, budgets.get(parent.budget_id ?? ""))[field];
      if (parent !== undefined && limit != null) return { of: { kind, id: parent.id }, limit };
    }
    return undefined;
  };
  const requests = key.rpm_limit_type === "dynamic" ? sharedOf("rpm_limit") : undefined;
  const tokens = key.tpm_limit_type === "dynamic" ? sharedOf("tpm_limit") : undefined;
  return {
    weight: key.priority ?? 1,
    ...(requests !== undefined && { requests }),
    ...(tokens !== undefined && { tokens }),
  };
}

/** What its requests may ask of caches. The key's own word counts before its team's. */
function cacheControlsOf(settings: Readonly<Record<string, unknown>> | undefined): readonly string[] | undefined {
  return settings?.["allowed_cache_controls"] as readonly string[] | undefined;
}

/** A key of a team is bounded by the team, any other by its user; both by the organisation. */
export function modelsOf({
  key,
  user,
  team,
  organization,
  groups,
}: Omit<Identity, "budgets" | "ancestors">): readonly string[] {
  const plain = (names: readonly string[], more: readonly string[] = []): readonly string[] =>
    plainModels(withGroups([...names, ...more], groups));
  let models = plain(key.models, key.access_group_ids);
  const above = key.team_id === null ? (user?.models ?? null) : (team?.models ?? null);
  if (above !== null) models = commonModels(models, plain(above, key.team_id === null ? [] : team?.access_group_ids));
  const widest = organization?.models ?? null;
  return widest === null ? models : commonModels(models, plain(widest));
}

function routingOf(
  given: RouterSettings | null,
  budgetFallbacks: RouterSettings["fallbacks"],
): RoutingPreferences | undefined {
  if (given === null && budgetFallbacks === undefined) return undefined;
  const settings = given ?? {};
  return {
    ...(budgetFallbacks !== undefined && { budgetFallbacks: merged(budgetFallbacks) }),
    ...(settings.fallbacks !== undefined && { fallbacks: merged(settings.fallbacks) }),
    ...(settings.context_window_fallbacks !== undefined && {
      contextWindowFallbacks: merged(settings.context_window_fallbacks),
    }),
    ...(settings.content_policy_fallbacks !== undefined && {
      contentPolicyFallbacks: merged(settings.content_policy_fallbacks),
    }),
    ...(settings.default_fallbacks !== undefined && { defaultFallbacks: settings.default_fallbacks }),
    ...(settings.disable_fallbacks !== undefined && { disableFallbacks: settings.disable_fallbacks }),
    ...(settings.num_retries !== undefined && { retries: settings.num_retries }),
  };
}

function merged(
  chains: readonly Readonly<Record<string, readonly string[]>>[],
): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(chains.flatMap((chain) => Object.entries(chain)));
}
