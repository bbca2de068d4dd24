import type { Deployment } from "@signalbox/kernel";
import type { Source } from "./source.ts";

/** A deployment, and which entry of `model_list` it comes from. */
export interface Row {
  readonly index: number;
  readonly deployment: Deployment;
}

/** What a model's traffic is shared by: the first of these that its entries have. */
const SHARES = [
  ["weight", "weight"],
  ["rpm", "rpm"],
  ["tpm", "tpm"],
] as const;

/**
 * Either all entries of a model say how much of the traffic they take, in the same unit, or none does; and it has to be
 * something in the end.
 */
export function checkShares(rows: readonly Row[], source: Source): void {
  const groups = Map.groupBy(rows, ({ deployment: { model, teamId } }) => JSON.stringify([model, teamId]));
  for (const group of groups.values()) checkGroup(group, source);
}

function checkGroup(group: readonly Row[], source: Source): void {
  for (const [share, key] of SHARES) {
    const having = group.filter(({ deployment }) => deployment[share] !== undefined);
    const [first] = having;
    if (first === undefined) continue;
    for (const { index, deployment } of group) {
      if (deployment[share] !== undefined) continue;
      const message = `has no ${key}, and model_list[${first.index}] of the same model has one`;
      const other = share === "weight" ? "" : ", or give all of them a weight";
      source.problem(["model_list", index, "litellm_params"], message, `give all of them ${key}, or none${other}`);
    }
    const levels = Map.groupBy(having, ({ deployment: { order = 0 } }) => order);
    for (const [one, ...others] of levels.values()) {
      const level = one === undefined ? [] : [one, ...others];
      if (one === undefined || level.some(({ deployment }) => (deployment[share] ?? 0) > 0)) continue;
      const path = ["model_list", one.index, "litellm_params", key];
      source.problem(path, "leaves nothing to share: all entries of the model say 0", "give one of them more");
    }
    return;
  }
}
