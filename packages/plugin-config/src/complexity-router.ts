import type { ModelValues } from "./config-values.ts";
import type { ContentRouterSettings, ContentRule, Tier } from "./content-routers.ts";
import { oneOfSeveral } from "./one-of-several.ts";
import type { PublicNames } from "./public-names.ts";
import type { KeyPath, Source } from "./source.ts";

const COMPLEXITY = "auto_router/complexity_router";

const OWN_KEYS: readonly string[] = ["model", "complexity_router_config", "complexity_router_default_model"];

/** From the easiest to the hardest. */
const TIERS: readonly Tier[] = ["simple", "medium", "complex", "reasoning"];

/** LiteLLM's scores beside ours for the same borders; between them they are in proportion. */
const SCALE: readonly (readonly [theirs: number, ours: number])[] = [
  [0, 0],
  [0.15, 0.25],
  [0.35, 0.5],
  [0.6, 0.75],
  [1, 1],
];

/**
 * An entry with `model: auto_router/complexity_router`. Its boundaries are on LiteLLM's scale, whose scores are lower;
 * they are carried over to ours.
 */
export function complexityRouter(
  entry: ModelValues,
  index: number,
  names: PublicNames,
  source: Source,
): ContentRouterSettings | undefined {
  const { litellm_params: params = {}, model_name: name } = entry;
  const path: KeyPath = ["model_list", index, "litellm_params"];
  if (params.model === undefined) return undefined;
  if (params.model !== COMPLEXITY) {
    reportStray(params, path, source);
    return undefined;
  }
  reportUnused(entry, index, source);
  if (name?.includes("*")) source.problem(["model_list", index, "model_name"], "has a wildcard; a router is one name");
  const config = params.complexity_router_config;
  source.missing(path, "complexity_router_config");
  if (config === undefined) return undefined;
  const at = [...path, "complexity_router_config"];
  source.missing(at, "tiers");
  if (config.tiers !== undefined) source.missing([...at, "tiers"], "SIMPLE");
  const tiers: Partial<Record<Tier, string>> = {};
  for (const tier of TIERS) {
    const key = tier.toUpperCase() as Uppercase<Tier>;
    const model = config.tiers?.[key];
    if (model !== undefined && names.needed(model, [...at, "tiers", key])) tiers[tier] = model;
  }
  const defaultModel = oneOfSeveral(
    source,
    [[...path, "complexity_router_default_model"], params.complexity_router_default_model],
    [[...at, "default_model"], config.default_model],
  );
  if (defaultModel !== undefined) {
    const own = params.complexity_router_default_model !== undefined;
    names.needed(defaultModel, own ? [...path, "complexity_router_default_model"] : [...at, "default_model"]);
  }
  const thresholds = thresholdsOf(config.tier_boundaries, [...at, "tier_boundaries"], source);
  const rules = keywordRules(config.keyword_tier_rules ?? [], tiers, [...at, "keyword_tier_rules"], source);
  return {
    ...(rules.length > 0 && { rules }),
    tiers: { ...tiers, simple: tiers.simple ?? "" },
    ...(thresholds !== undefined && { thresholds }),
    ...(defaultModel !== undefined && { defaultModel }),
  };
}

type Params = NonNullable<ModelValues["litellm_params"]>;

/** Keys of a router in an entry that is none, and routers of other kinds. */
function reportStray(params: Params, path: KeyPath, source: Source): void {
  if (params.model?.startsWith("auto_router/")) {
    const message = `names a router that this gateway does not have; it has ${JSON.stringify(COMPLEXITY)}`;
    source.problem([...path, "model"], message);
    return;
  }
  for (const key of ["complexity_router_config", "complexity_router_default_model"]) {
    if (!source.has([...path, key]) || source.faulty([...path, key])) continue;
    source.problem([...path, key], "has an effect only in a router", `write model: ${COMPLEXITY}`);
  }
}

function reportUnused(
  { litellm_params: params = {}, model_info: info }: ModelValues,
  index: number,
  source: Source,
): void {
  const message = "has no effect: this entry only stands for other models";
  for (const key of Object.keys(params)) {
    if (!OWN_KEYS.includes(key)) source.problem(["model_list", index, "litellm_params", key], message);
  }
  for (const key of Object.keys(info ?? {})) source.problem(["model_list", index, "model_info", key], message);
}

type Config = NonNullable<Params["complexity_router_config"]>;

function thresholdsOf(
  boundaries: Config["tier_boundaries"],
  path: KeyPath,
  source: Source,
): ContentRouterSettings["thresholds"] {
  if (boundaries === undefined) return undefined;
  const [, ...borders] = SCALE.map(([theirs]) => theirs);
  const keys = ["simple_medium", "medium_complex", "complex_reasoning"] as const;
  const [medium = 0, complex = 0, reasoning = 0] = keys.map((key, at) => boundaries[key] ?? borders[at] ?? 1);
  if (medium > complex || complex > reasoning)
    source.problem(path, "must ascend, from simple_medium to complex_reasoning");
  return { medium: ourScore(medium), complex: ourScore(complex), reasoning: ourScore(reasoning) };
}

function ourScore(theirs: number): number {
  const above = SCALE.findIndex(([border]) => theirs <= border);
  const [toTheirs, toOurs] = SCALE[Math.max(1, above)] ?? [1, 1];
  const [fromTheirs, fromOurs] = SCALE[Math.max(0, above - 1)] ?? [0, 0];
  const score = fromOurs + ((theirs - fromTheirs) / (toTheirs - fromTheirs)) * (toOurs - fromOurs);
  return Number(score.toFixed(6));
}

/** The hardest tier whose words are there decides. */
function keywordRules(
  rules: NonNullable<Config["keyword_tier_rules"]>,
  tiers: Readonly<Partial<Record<Tier, string>>>,
  path: KeyPath,
  source: Source,
): readonly ContentRule[] {
  const made: { readonly hardness: number; readonly rule: ContentRule }[] = [];
  for (const [index, rule] of rules.entries()) {
    if (rule === undefined) continue;
    source.missing([...path, index], "keywords");
    source.missing([...path, index], "tier");
    if (rule.keywords === undefined || rule.tier === undefined) continue;
    const hardness = TIERS.indexOf(rule.tier.toLowerCase() as Tier);
    const use = tiers[TIERS[hardness] as Tier];
    if (use === undefined) {
      if (!source.faulty(path.slice(0, -1))) source.problem([...path, index, "tier"], "is a tier without a model");
    } else {
      made.push({ hardness, rule: { name: `keywords ${index + 1}`, when: { contains: rule.keywords }, use } });
    }
  }
  return made.toSorted((one, other) => other.hardness - one.hardness).map(({ rule }) => rule);
}
