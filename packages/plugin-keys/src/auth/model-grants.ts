import { grants } from "@signalbox/kernel";

/** Everything the gateway serves. */
export const ALL_PROXY_MODELS = "all-proxy-models";
/** What the team, or without one the user, may use. */
export const ALL_TEAM_MODELS = "all-team-models";
/** Nothing. */
const NO_DEFAULT_MODELS = "no-default-models";

/** Whether a name says how to find models instead of naming one. */
export function isSpecial(name: string): boolean {
  return name === ALL_PROXY_MODELS || name === ALL_TEAM_MODELS || name === NO_DEFAULT_MODELS;
}

/** Name of a group → names and wildcards of models. */
export type ModelGroups = ReadonlyMap<string, readonly string[]>;

/** Grants with what the names of groups stand for. */
export function withGroups(models: readonly string[], groups: ModelGroups): readonly string[] {
  return groups.size === 0 ? models : models.flatMap((model) => groups.get(model) ?? [model]);
}

/** Grants as the gateway reads them: special names replaced, null as everything. */
export function plainModels(models: readonly string[] | null): readonly string[] {
  if (models === null) return ["*"];
  const plain = new Set<string>();
  for (const model of models) {
    // what is above bounds it anyway: `all-team-models` is everything that the levels above leave
    if (model === ALL_PROXY_MODELS || model === ALL_TEAM_MODELS) plain.add("*");
    else if (model !== NO_DEFAULT_MODELS) plain.add(model);
  }
  return [...plain];
}

/** What both grants cover. */
export function commonModels(one: readonly string[], other: readonly string[]): readonly string[] {
  const common = new Set<string>();
  for (const left of one) {
    for (const right of other) {
      if (grants(left, right)) common.add(right);
      else if (grants(right, left)) common.add(left);
    }
  }
  return [...common];
}

/** The first of these grants that goes beyond what somebody holds. */
export function beyond(wanted: readonly string[], held: readonly string[]): string | undefined {
  return wanted.find((pattern) => !held.some((own) => grants(own, pattern)));
}
