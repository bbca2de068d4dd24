import { complexityRouter } from "./complexity-router.ts";
import type { ConfigValues, ModelValues } from "./config-values.ts";
import type { PublicNames } from "./public-names.ts";
import type { ContentRouterValues, ContentRuleValues } from "./router-values.ts";
import type { KeyPath, Source } from "./source.ts";

/** How hard a question is. */
export type Tier = "simple" | "medium" | "complex" | "reasoning";

/** What a rule asks for; all of it must hold. */
export interface ContentCondition {
  readonly contains?: readonly string[];
  readonly system?: { readonly contains: readonly string[] };
  readonly tools?: boolean | readonly string[];
  readonly images?: boolean;
  readonly minInputTokens?: number;
  readonly maxInputTokens?: number;
  readonly reasoning?: boolean;
  readonly tags?: readonly string[];
}

/** Calls that go to one model whatever else is in them. */
export interface ContentRule {
  readonly name: string;
  readonly when: ContentCondition;
  readonly use: string;
}

/** A model that stands for others, one for each kind of question. */
export interface ContentRouterSettings {
  readonly rules?: readonly ContentRule[];
  readonly tiers?: Readonly<Partial<Record<Tier, string>>> & { readonly simple: string };
  readonly thresholds?: Readonly<Partial<Record<Exclude<Tier, "simple">, number>>>;
  readonly weights?: Readonly<Record<string, number>>;
  readonly defaultModel?: string;
}

/** Whether an entry of `model_list` is no deployment, but stands for other models. */
export function isContentRouter({ litellm_params: params }: ModelValues): boolean {
  return params?.model?.startsWith("auto_router/") ?? false;
}

/** Names behind which other models stand: of content routers and of splits. */
export function selectorNames({
  router_settings: router = {},
  model_list: models = [],
}: ConfigValues): ReadonlySet<string> {
  const entries = models.flatMap((entry) =>
    entry?.model_name !== undefined && isContentRouter(entry) ? [entry.model_name] : [],
  );
  return new Set([
    ...entries,
    ...Object.keys(router.content_routers ?? {}),
    ...Object.keys(router.traffic_splits ?? {}),
  ]);
}

/** Those of the settings, and those that stand in `model_list` as LiteLLM has them. */
export function collectContentRouters(
  values: ConfigValues,
  names: PublicNames,
  source: Source,
): Readonly<Record<string, ContentRouterSettings>> {
  const { router_settings: settings = {}, model_list: models = [] } = values;
  const routers = new Map<string, ContentRouterSettings>();
  for (const [model, router] of Object.entries(settings.content_routers ?? {})) {
    if (router === undefined) continue;
    const path = ["router_settings", "content_routers", model];
    const made = contentRouter(router, path, names, source);
    if (model.includes("*")) source.problem(path, "has a wildcard; a content router is one name");
    if (settings.traffic_splits?.[model] !== undefined) {
      source.problem(path, "is the name of a traffic split too", "give one of them another name");
    }
    if (made !== undefined) routers.set(model, made);
  }
  for (const [index, entry] of models.entries()) {
    if (entry === undefined) continue;
    const made = complexityRouter(entry, index, names, source);
    const { model_name: model } = entry;
    if (made === undefined || model === undefined) continue;
    const path = ["model_list", index, "model_name"];
    const others = models.filter((other) => other !== entry && other?.model_name === model);
    if (others.length > 0 || routers.has(model) || settings.traffic_splits?.[model] !== undefined) {
      source.problem(path, "is the name of something else too; a router has a name of its own");
    }
    routers.set(model, made);
  }
  return Object.fromEntries(routers);
}

function contentRouter(
  router: ContentRouterValues,
  path: KeyPath,
  names: PublicNames,
  source: Source,
): ContentRouterSettings | undefined {
  const { tiers, default_model: defaultModel, weights } = router;
  if (tiers === undefined && defaultModel === undefined) {
    if (!source.unsure(path, "tiers") && !source.unsure(path, "default_model")) {
      source.problem(path, "has neither tiers nor a default_model", "give it one of them");
    }
    return undefined;
  }
  if (tiers !== undefined) source.missing([...path, "tiers"], "simple");
  for (const [tier, model] of Object.entries(tiers ?? {})) names.needed(model, [...path, "tiers", tier]);
  if (defaultModel !== undefined) names.needed(defaultModel, [...path, "default_model"]);
  const rules = (router.rules ?? []).flatMap((rule, index) => {
    const made = rule === undefined ? undefined : contentRule(rule, [...path, "rules", index], names, source);
    return made === undefined ? [] : [made];
  });
  checkThresholds(router.thresholds ?? {}, [...path, "thresholds"], source);
  return {
    ...(rules.length > 0 && { rules }),
    ...(tiers !== undefined && { tiers: { ...tiers, simple: tiers.simple ?? "" } }),
    ...(router.thresholds !== undefined && { thresholds: router.thresholds }),
    ...(weights !== undefined && { weights }),
    ...(defaultModel !== undefined && { defaultModel }),
  };
}

function contentRule(
  rule: ContentRuleValues,
  path: KeyPath,
  names: PublicNames,
  source: Source,
): ContentRule | undefined {
  for (const key of ["name", "when", "use"]) source.missing(path, key);
  const { name, when, use } = rule;
  if (name === undefined || when === undefined || use === undefined) return undefined;
  const { min_input_tokens: least, max_input_tokens: most, system, ...others } = when;
  if (least !== undefined && most !== undefined && least > most) {
    source.problem([...path, "when", "max_input_tokens"], `is less than the min_input_tokens of ${least}`);
  }
  if (system !== undefined) source.missing([...path, "when", "system"], "contains");
  const condition: ContentCondition = {
    ...others,
    ...(system?.contains !== undefined && { system: { contains: system.contains } }),
    ...(least !== undefined && { minInputTokens: least }),
    ...(most !== undefined && { maxInputTokens: most }),
  };
  if (Object.keys(condition).length === 0 && !source.faulty([...path, "when"])) {
    source.problem([...path, "when"], "holds for every call", "use default_model");
  }
  names.needed(use, [...path, "use"]);
  return { name, when: condition, use };
}

const DEFAULTS = { medium: 0.25, complex: 0.5, reasoning: 0.75 } as const;

function checkThresholds(
  thresholds: NonNullable<ContentRouterSettings["thresholds"]>,
  path: KeyPath,
  source: Source,
): void {
  const { medium, complex, reasoning } = { ...DEFAULTS, ...thresholds };
  const at = (key: string): KeyPath => (Object.hasOwn(thresholds, key) ? [...path, key] : path);
  if (medium > complex) source.problem(at("complex"), `complex (${complex}) is less than medium (${medium})`);
  if (complex > reasoning)
    source.problem(at("reasoning"), `reasoning (${reasoning}) is less than complex (${complex})`);
}
