import type { Attempt, Call, Principal, Scope } from "@signalbox/kernel";

/** Everything that an attempt is charged to, without the models of its scopes. */
export function attemptScopes(attempt: Attempt): Scope[] {
  const { provider, id } = attempt.deployment;
  const scopes = callScopes(attempt);
  scopes.push({ kind: "provider", id: provider }, { kind: "deployment", id });
  return scopes;
}

/** Whom a call is made for. */
export function callScopes({ principal, options }: Pick<Call, "principal" | "options">): Scope[] {
  const scopes: Scope[] = [{ kind: "gateway", id: "gateway" }];
  const { organizationId, teamId, userId } = principal;
  if (organizationId !== undefined) scopes.push({ kind: "organization", id: organizationId });
  if (teamId !== undefined) scopes.push({ kind: "team", id: teamId });
  if (teamId !== undefined && userId !== undefined) scopes.push({ kind: "teamMember", id: `${teamId}/${userId}` });
  if (userId !== undefined) scopes.push({ kind: "user", id: userId });
  scopes.push({ kind: "key", id: principal.id });
  if (options.endUserId !== undefined) scopes.push({ kind: "customer", id: options.endUserId });
  for (const id of attemptTags(principal, options.tags)) scopes.push({ kind: "tag", id });
  if (options.sessionId !== undefined) scopes.push({ kind: "session", id: options.sessionId });
  return scopes;
}

const NONE: readonly string[] = [];

/** The tags of the caller and of the call, each once. */
export function attemptTags(principal: Principal, tags: readonly string[] | undefined): readonly string[] {
  if (principal.tags === undefined || principal.tags.length === 0) return tags === undefined ? NONE : unique(tags);
  return unique(tags === undefined ? principal.tags : [...principal.tags, ...tags]);
}

function unique(tags: readonly string[]): readonly string[] {
  return tags.length < 2 ? tags : [...new Set(tags)];
}

export function sameScope(one: Scope, other: Scope): boolean {
  return one.kind === other.kind && one.id === other.id && one.model === other.model;
}
