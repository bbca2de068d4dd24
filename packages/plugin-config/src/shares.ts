import type { Deployment } from "@signalbox/kernel";
import type { RoutingSettings } from "./routing-settings.ts";
import type { Source } from "./source.ts";

/** A deployment, and which entry of `model_list` it comes from. */
export interface Row {
  readonly index: number;
  readonly deployment: Deployment;
}

/** What a model's traffic is shared by: the first of these that its entries have. */
const SHARES = ["weight", "rpm", "tpm"] as const;

/**
 * Where calls are shuffled, either all entries of a model say how much of the traffic they take, in the same unit, or
 * none does; and it has to be something in the end.
 */
export function checkShares(rows: readonly Row[], { strategy, models = {} }: RoutingSettings, source: Source): void {
  const groups = Map.groupBy(rows, ({ deployment: { model, teamId } }) => JSON.stringify([model, teamId]));
  for (const group of groups.values()) {
    const own = models[group[0]?.deployment.model ?? ""] ?? strategy ?? "simple-shuffle";
    if (own === "simple-shuffle") checkGroup(group, source);
  }
}

function checkGroup(group: readonly Row[], source: Source): void {
  for (const share of SHARES) {
    const having = group.filter(({ deployment }) => deployment[share] !== undefined);
    const [first] = having;
    if (first === undefined) continue;
    for (const { index, deployment } of group) {
      if (deployment[share] !== undefined || source.unsure(["model_list", index, "litellm_params"], share)) continue;
      const message = `has no ${share}, and model_list[${first.index}] of the same model has one`;
      const other = share === "weight" ? "" : ", or give all of them a weight";
      source.problem(["model_list", index, "litellm_params"], message, `give all of them ${share}, or none${other}`);
    }
    const levels = Map.groupBy(having, ({ deployment: { order = 0 } }) => order);
    for (const [one, ...others] of levels.values()) {
      const level = one === undefined ? [] : [one, ...others];
      if (one === undefined || level.some(({ deployment }) => (deployment[share] ?? 0) > 0)) continue;
      const path = ["model_list", one.index, "litellm_params", share];
      source.problem(path, "leaves nothing to share: all entries of the model say 0", "give one of them more");
    }
    return;
  }
}
