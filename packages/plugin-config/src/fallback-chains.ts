import type { ConfigValues } from "./config-values.ts";
import type { PublicNames } from "./public-names.ts";
import { publicName } from "./public-names.ts";
import type { FallbackList } from "./router-values.ts";
import type { KeyPath, Source } from "./source.ts";

/** Public model name → public model names to try after it, in order. */
export type Chains = Readonly<Record<string, readonly string[]>>;

/** Chains by what they are for. */
export interface FallbackChains {
  readonly contextWindowFallbacks?: Chains;
  readonly contentPolicyFallbacks?: Chains;
  readonly budgetFallbacks?: Chains;
  readonly rateLimitFallbacks?: Chains;
  readonly defaultFallbacks?: readonly string[];
}

type ListKey =
  | "fallbacks"
  | "context_window_fallbacks"
  | "content_policy_fallbacks"
  | "budget_fallbacks"
  | "rate_limit_fallbacks";

interface Context {
  readonly values: ConfigValues;
  readonly names: PublicNames;
  readonly source: Source;
}

const SECTIONS = ["router_settings", "litellm_settings"] as const;

/** Every model's fallbacks, from the models themselves and from the settings, without repetitions. */
export function collectFallbacks(values: ConfigValues, names: PublicNames, source: Source): Chains {
  const context = { values, names, source };
  const chains = new Map<string, string[]>();
  for (const [index, entry] of (values.model_list ?? []).entries()) {
    const targets = entry?.litellm_params?.fallbacks;
    const model = entry === undefined ? undefined : publicName(entry);
    if (model === undefined || targets === undefined) continue;
    const path = ["model_list", index, "litellm_params", "fallbacks"];
    if (model.endsWith("*")) {
      const message = "belongs to a single model, and this entry is a wildcard; list each model in router_settings";
      source.problem(path, message);
    } else if (names.asked(model, path)) append(chains, model, targets, path, context);
  }
  addLists(chains, "fallbacks", context);
  return Object.fromEntries(chains);
}

/** The chains for certain failures, and the one for models without any. */
export function collectSpecialChains(values: ConfigValues, names: PublicNames, source: Source): FallbackChains {
  const context = { values, names, source };
  const contextWindowFallbacks = chainsOf("context_window_fallbacks", context);
  const contentPolicyFallbacks = chainsOf("content_policy_fallbacks", context);
  const budgetFallbacks = chainsOf("budget_fallbacks", context);
  const rateLimitFallbacks = chainsOf("rate_limit_fallbacks", context);
  const defaultFallbacks = defaultChain(context);
  return {
    ...(contextWindowFallbacks !== undefined && { contextWindowFallbacks }),
    ...(contentPolicyFallbacks !== undefined && { contentPolicyFallbacks }),
    ...(budgetFallbacks !== undefined && { budgetFallbacks }),
    ...(rateLimitFallbacks !== undefined && { rateLimitFallbacks }),
    ...(defaultFallbacks !== undefined && { defaultFallbacks }),
  };
}

function chainsOf(key: ListKey, context: Context): Chains | undefined {
  const chains = new Map<string, string[]>();
  addLists(chains, key, context);
  return chains.size === 0 ? undefined : Object.fromEntries(chains);
}

function addLists(chains: Map<string, string[]>, key: ListKey, context: Context): void {
  const { values, names, source } = context;
  const owners = new Map<string, string>();
  for (const section of SECTIONS) {
    const list = (values[section] as Readonly<Partial<Record<ListKey, FallbackList>>> | undefined)?.[key] ?? [];
    for (const [index, chain] of list.entries()) {
      for (const [model, targets] of Object.entries(chain)) {
        const path = [section, key, index, model];
        if ((owners.get(model) ?? section) !== section) {
          source.problem(path, `is given in router_settings.${key} too`, "keep one of the two");
        }
        owners.set(model, section);
        if (names.asked(model, path)) append(chains, model, targets, path, context);
      }
    }
  }
}

function append(
  chains: Map<string, string[]>,
  model: string,
  targets: readonly string[],
  path: KeyPath,
  { names, source }: Context,
): void {
  const chain = chains.get(model) ?? [];
  for (const [index, target] of targets.entries()) {
    const at = [...path, index];
    if (target === model) source.problem(at, "names the model itself");
    else if (names.reached(target, at) && !chain.includes(target)) chain.push(target);
  }
  chains.set(model, chain);
}

function defaultChain({ values, names, source }: Context): readonly string[] | undefined {
  const sections = SECTIONS.filter((section) => values[section]?.default_fallbacks !== undefined);
  const [section, second] = sections;
  if (section === undefined) return undefined;
  if (second !== undefined) {
    source.problem([second, "default_fallbacks"], "is given in router_settings too", "keep one of the two");
  }
  const targets = values[section]?.default_fallbacks ?? [];
  return targets.filter((target, index) => names.reached(target, [section, "default_fallbacks", index]));
}
