import type { ModelTable } from "../deployment.ts";
import { GatewayError } from "../errors.ts";
import type { GatewayOptions, ModelAlias } from "../gateway.ts";
import type { ModelSelector } from "../model-selector.ts";
import { didYouMean } from "../nearest.ts";
import type { Plugin } from "../plugin.ts";
import type { Principal } from "../principal.ts";

/** Public names that no deployment bears: aliases, and models that a selector stands behind. */
export interface ModelNames {
  readonly aliases: ReadonlyMap<string, ModelAlias>;
  readonly selectors: ReadonlyMap<string, ModelSelector>;
  /** What a name stands for: the caller's own alias, else the gateway's, else itself. One pass. */
  readonly modelFor: (asked: string, principal: Principal) => string;
}

/** @throws {GatewayError} `option_invalid`, `fallback_unknown` naming what leads nowhere */
export function collectNames(
  aliasOptions: GatewayOptions["aliases"],
  plugins: readonly Plugin[],
  models: ModelTable,
): ModelNames {
  const selectors = collectSelectors(plugins, models);
  const aliases = collectAliases(aliasOptions, selectors, models);
  return {
    aliases,
    selectors,
    modelFor(asked, principal) {
      const own = principal.aliases;
      if (own !== undefined && Object.hasOwn(own, asked)) return own[asked] as string;
      return aliases.size === 0 ? asked : (aliases.get(asked)?.model ?? asked);
    },
  };
}

function collectSelectors(plugins: readonly Plugin[], models: ModelTable): ReadonlyMap<string, ModelSelector> {
  const selectors = new Map<string, ModelSelector>();
  for (const plugin of plugins) {
    for (const selector of plugin.selectors ?? []) {
      const named = `the selector of plugin ${JSON.stringify(plugin.name)} for ${JSON.stringify(selector.model)}`;
      if (selectors.has(selector.model)) {
        throw new GatewayError("contract_duplicate", `${named} is the second one for this model; remove one`, {
          source: plugin.name,
        });
      }
      for (const target of selector.targets) {
        if (models.deployments(target).length > 0) continue;
        throw unknownModel(target, named, models, plugin.name);
      }
      selectors.set(selector.model, selector);
    }
  }
  return selectors;
}

function collectAliases(
  options: GatewayOptions["aliases"],
  selectors: ReadonlyMap<string, ModelSelector>,
  models: ModelTable,
): ReadonlyMap<string, ModelAlias> {
  const aliases = new Map<string, ModelAlias>();
  const names = new Set(models.names());
  for (const [name, target] of Object.entries(options ?? {})) {
    const alias = typeof target === "string" ? { model: target } : target;
    const named = `the alias ${JSON.stringify(name)}`;
    if (names.has(name) || selectors.has(name)) {
      throw new GatewayError("option_invalid", `${named} hides the model of the same name; give it another name`, {
        param: "aliases",
      });
    }
    if (selectors.has(alias.model) || models.deployments(alias.model).length > 0) {
      aliases.set(name, alias);
      continue;
    }
    if (Object.hasOwn(options ?? {}, alias.model)) {
      const message = `${named} stands for ${JSON.stringify(alias.model)}, which is an alias itself; name its model`;
      throw new GatewayError("option_invalid", message, { param: "aliases" });
    }
    throw unknownModel(alias.model, named, models);
  }
  return aliases;
}

function unknownModel(model: string, named: string, models: ModelTable, source?: string): GatewayError {
  const message = `${named} names the model ${JSON.stringify(model)}, which no deployment serves.`;
  return new GatewayError("fallback_unknown", message + didYouMean(model, models.names()), {
    param: "model",
    ...(source !== undefined && { source }),
  });
}
