import type { ModelAlias } from "@signalbox/kernel";
import type { ConfigValues } from "./config-values.ts";
import type { PublicNames } from "./public-names.ts";
import type { Source } from "./source.ts";

/** Other names for public models, of `router_settings.model_group_alias`. */
export function collectAliases(
  values: ConfigValues,
  names: PublicNames,
  source: Source,
): Readonly<Record<string, ModelAlias>> {
  const listed = values.router_settings?.model_group_alias ?? {};
  const aliases = new Map<string, ModelAlias>();
  for (const [name, value] of Object.entries(listed)) {
    const path = ["router_settings", "model_group_alias", name];
    const target = typeof value === "string" ? value : value?.model;
    const at = typeof value === "string" ? path : [...path, "model"];
    if (target === undefined) {
      if (value !== undefined) source.missing(path, "model");
      continue;
    }
    if (name.includes("*")) source.problem(path, "has a wildcard; an alias is one name");
    else if (names.taken(name)) source.problem(path, "hides the model of the same name; give it another name");
    else if (Object.hasOwn(listed, target) && !names.taken(target)) {
      source.problem(at, `names ${JSON.stringify(target)}, which is an alias itself; name its model`);
    } else if (names.known(target, at)) {
      const hidden = typeof value === "string" ? undefined : value?.hidden;
      aliases.set(name, { model: target, ...(hidden !== undefined && { hidden }) });
    }
  }
  return Object.fromEntries(aliases);
}
