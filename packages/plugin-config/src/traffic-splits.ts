import type { ConfigValues } from "./config-values.ts";
import type { PublicNames } from "./public-names.ts";
import type { SplitValues } from "./router-values.ts";
import type { SplitSubject } from "./routing-values.ts";
import type { KeyPath, Source } from "./source.ts";

/** How a model's calls are divided among others. */
export interface SplitSettings {
  readonly arms: readonly { readonly model: string; readonly percent: number }[];
  readonly by?: SplitSubject;
  readonly salt?: string;
}

/** `router_settings.traffic_splits`, with every arm checked. */
export function collectSplits(
  { router_settings: router = {} }: ConfigValues,
  names: PublicNames,
  source: Source,
): Readonly<Record<string, SplitSettings>> {
  const splits = new Map<string, SplitSettings>();
  for (const [model, split] of Object.entries(router.traffic_splits ?? {})) {
    if (split === undefined) continue;
    const path = ["router_settings", "traffic_splits", model];
    if (model.includes("*")) source.problem(path, "has a wildcard; a split is one name");
    const arms = armsOf(split, path, names, source);
    if (arms === undefined) continue;
    splits.set(model, {
      arms,
      ...(split.by !== undefined && { by: split.by }),
      ...(split.salt !== undefined && { salt: split.salt }),
    });
  }
  return Object.fromEntries(splits);
}

/** 33.3 + 33.3 + 33.4 is not exactly 100 in floating point. */
const TOLERANCE = 1e-6;

function armsOf(
  split: SplitValues,
  path: KeyPath,
  names: PublicNames,
  source: Source,
): SplitSettings["arms"] | undefined {
  source.missing(path, "arms");
  if (split.arms === undefined) return undefined;
  const at = [...path, "arms"];
  const arms: { model: string; percent: number }[] = [];
  for (const [index, arm] of split.arms.entries()) {
    if (arm === undefined) return undefined;
    source.missing([...at, index], "model");
    source.missing([...at, index], "percent");
    const { model, percent } = arm;
    if (model === undefined || percent === undefined) return undefined;
    const modelPath = [...at, index, "model"];
    if (arms.some((other) => other.model === model)) source.problem(modelPath, "is named by another arm too");
    if (names.needed(model, modelPath)) arms.push({ model, percent });
  }
  const sum = split.arms.reduce((total, arm) => total + (arm?.percent ?? 0), 0);
  if (Math.abs(sum - 100) > TOLERANCE) {
    source.problem(at, `must sum to 100 percent, and sum to ${Number(sum.toFixed(6))}`);
  }
  return arms;
}
