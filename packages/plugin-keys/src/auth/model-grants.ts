import { grants } from "@signalbox/kernel";

/** Everything the gateway serves. */
export const ALL_PROXY_MODELS = "all-proxy-models";
/** What the team, or without one the user, may use. */
export const ALL_TEAM_MODELS = "all-team-models";
/** Nothing. */
const NO_DEFAULT_MODELS = "no-default-models";

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
