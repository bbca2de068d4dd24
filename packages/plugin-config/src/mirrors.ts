import type { ConfigValues, ModelValues } from "./config-values.ts";
import type { PublicNames } from "./public-names.ts";
import { publicName } from "./public-names.ts";
import type { Source } from "./source.ts";
import { milliseconds } from "./timeouts.ts";

/** Where copies of a model's calls go. */
export interface MirrorSettings {
  readonly to: string;
  readonly percent: number;
  readonly maxParallel?: number;
  readonly timeoutMs?: number;
}

const ALL = 100;

/** Mirrors of the settings, and those that models name with `silent_model`. */
export function collectMirrors(
  values: ConfigValues,
  names: PublicNames,
  source: Source,
): Readonly<Record<string, MirrorSettings>> {
  const mirrors = new Map<string, MirrorSettings>();
  for (const [model, mirror] of Object.entries(values.router_settings?.mirrors ?? {})) {
    if (mirror === undefined) continue;
    const path = ["router_settings", "mirrors", model];
    source.missing(path, "to");
    if (!names.known(model, path) || mirror.to === undefined) continue;
    if (mirror.to === model) source.problem([...path, "to"], "names the model itself");
    else if (names.served(mirror.to, [...path, "to"])) {
      mirrors.set(model, {
        to: mirror.to,
        percent: mirror.percent ?? ALL,
        ...(mirror.max_parallel !== undefined && { maxParallel: mirror.max_parallel }),
        ...(mirror.timeout !== undefined && { timeoutMs: milliseconds(mirror.timeout) }),
      });
    }
  }
  for (const [model, to] of silentModels(values.model_list ?? [], names, source)) {
    if (!mirrors.has(model)) mirrors.set(model, { to, percent: ALL });
    else source.problem(["router_settings", "mirrors", model], "has a silent_model too", "keep one of the two");
  }
  return Object.fromEntries(mirrors);
}

/** Calls are copied before a deployment is chosen: all entries of a model agree. */
function silentModels(
  models: readonly (ModelValues | undefined)[],
  names: PublicNames,
  source: Source,
): ReadonlyMap<string, string> {
  const silent = new Map<string, string>();
  const first = new Map<string, { readonly index: number; readonly to: string | undefined }>();
  for (const [index, entry] of models.entries()) {
    const params = entry?.litellm_params;
    const model = entry === undefined ? undefined : publicName(entry);
    if (model === undefined || params === undefined) continue;
    const to = params.silent_model;
    const section = ["model_list", index, "litellm_params"];
    const path = [...section, "silent_model"];
    const other = first.get(model);
    if (other !== undefined) {
      const sections = [index, other.index].map((at) => ["model_list", at, "litellm_params"]);
      const unsure = sections.some((each) => source.unsure(each, "silent_model"));
      if (other.to === to || unsure) continue;
      const message = `differs from that of model_list[${other.index}], an entry of the same model; give both the same`;
      source.problem(to === undefined ? section : path, to === undefined ? `silent_model ${message}` : message);
      continue;
    }
    first.set(model, { index, to });
    if (to === undefined) continue;
    if (model.endsWith("*")) source.problem(path, "belongs to a single model, and this entry is a wildcard");
    else if (to === model) source.problem(path, "names the model itself");
    else if (names.known(model, path) && names.served(to, path)) silent.set(model, to);
  }
  return silent;
}
