import type { ModelTable } from "@signalbox/kernel";
import type { ConfigValues } from "./config-values.ts";
import type { KeyPath, Source } from "./source.ts";

/**
 * Every model's fallbacks, from the models themselves and from the two lists of settings, without repetitions.
 *
 * @param models the models that may be named; undefined when that cannot be checked
 */
export function collectFallbacks(
  values: ConfigValues,
  models: ModelTable | undefined,
  source: Source,
): Readonly<Record<string, readonly string[]>> {
  const chains = new Map<string, string[]>();

  function known(model: string, path: KeyPath): boolean {
    if (models === undefined || models.deployments(model).length > 0) return true;
    const near = models.nearest(model).map((name) => JSON.stringify(name));
    const hint = near.length === 0 ? undefined : `Did you mean ${near.join(" or ")}?`;
    source.problem(path, `no model is named ${JSON.stringify(model)}`, hint);
    return false;
  }

  function append(model: string, targets: readonly string[], path: KeyPath): void {
    const chain = chains.get(model) ?? [];
    for (const [index, target] of targets.entries()) {
      const at = [...path, index];
      if (target === model) source.problem(at, "names the model itself");
      else if (known(target, at) && !chain.includes(target)) chain.push(target);
    }
    chains.set(model, chain);
  }

  for (const [index, entry] of (values.model_list ?? []).entries()) {
    const targets = entry?.litellm_params?.fallbacks;
    if (entry?.model_name === undefined || targets === undefined) continue;
    if (entry.model_name.endsWith("*")) {
      const message = "belongs to a single model, and this entry is a wildcard; list each model in router_settings";
      source.problem(["model_list", index, "litellm_params", "fallbacks"], message);
    } else append(entry.model_name, targets, ["model_list", index, "litellm_params", "fallbacks"]);
  }
  for (const section of ["router_settings", "litellm_settings"] as const) {
    for (const [index, chain] of (values[section]?.fallbacks ?? []).entries()) {
      for (const [model, targets] of Object.entries(chain)) {
        const path = [section, "fallbacks", index, model];
        if (known(model, path)) append(model, targets, path);
      }
    }
  }
  return Object.fromEntries(chains);
}
