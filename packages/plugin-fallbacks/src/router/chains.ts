import type { Call, ModelTable, RoutingParts, RoutingPreferences } from "@signalbox/kernel";
import { APPLICATION, GatewayError } from "@signalbox/kernel";
import type { ChainSettings, Chains } from "../options.ts";
import type { Cause } from "./cause.ts";
import { checkKnown } from "./known-model.ts";

/** The options that hold chains, as principals have them too. */
type ChainOption = Exclude<keyof ChainSettings, "defaultFallbacks">;

const OPTION: Readonly<Record<Cause, ChainOption>> = {
  contextWindow: "contextWindowFallbacks",
  contentPolicy: "contentPolicyFallbacks",
  budget: "budgetFallbacks",
  rateLimit: "rateLimitFallbacks",
  general: "fallbacks",
};

const NONE: readonly string[] = [];

/** Names of a request are looked at one by one. */
const MOST_WISHED = 100;

/** Which models are tried after the one that was asked for. */
export interface ChainTable {
  /** What leads on after a failure with this cause. Empty: nothing. */
  after(cause: Cause, call: Call): readonly string[];
  /** @throws {GatewayError} `fallback_unknown`, `option_invalid` naming the chain that a table breaks */
  check(models: ModelTable): void;
}

/**
 * The chain for a cause, else the general one, else the default; a caller's own before the gateway's each time. The
 * request's own chain stands in for all of them.
 *
 * @throws {GatewayError} `fallback_unknown`, `option_invalid` naming the chain
 */
export function chainTable(
  settings: ChainSettings,
  general: Chains,
  models: ModelTable,
  names: ChainNames,
): ChainTable {
  const merged: ChainSettings = { ...settings, fallbacks: mergeGeneral(settings.fallbacks, general) };
  const check = (table: ModelTable): void => checkChains(merged, table, names);
  check(models);

  function own(
    option: ChainOption,
    call: Call,
    routing: RoutingPreferences | undefined,
  ): readonly string[] | undefined {
    const asked = call.request.model;
    return (
      entry(routing?.[option], asked) ??
      entry(routing?.[option], call.model) ??
      entry(merged[option], asked) ??
      entry(merged[option], call.model)
    );
  }

  return {
    check,
    after(cause, call) {
      const { routing } = call.principal;
      if (call.options.disableFallbacks === true || routing?.disableFallbacks === true) return NONE;
      if (call.options.fallbacks !== undefined) return call.options.fallbacks;
      const special = cause === "general" ? undefined : own(OPTION[cause], call, routing);
      return special ?? own("fallbacks", call, routing) ?? routing?.defaultFallbacks ?? merged.defaultFallbacks ?? NONE;
    },
  };
}

/** @throws {GatewayError} `invalid_request` for a chain that no request needs */
export function checkWishedChain({ options: { fallbacks } }: Call): void {
  if (fallbacks === undefined || fallbacks.length <= MOST_WISHED) return;
  throw new GatewayError("invalid_request", `fallbacks may name at most ${MOST_WISHED} models`, { param: "fallbacks" });
}

/** Public names that no deployment bears. All may have a chain; only aliases may be in one. */
export type OtherNames = ReadonlySet<string>;

/** The model that an alias stands for, or the name itself. */
export type ModelFor = NonNullable<RoutingParts["modelFor"]>;

/** What the names in chains stand for. */
export interface ChainNames {
  readonly others: OtherNames;
  readonly modelFor: ModelFor;
}

/** Names come from clients: `constructor` is none of them. */
function entry(chains: Chains | undefined, model: string): readonly string[] | undefined {
  return chains !== undefined && Object.hasOwn(chains, model) ? chains[model] : undefined;
}

function mergeGeneral(own: Chains | undefined, general: Chains): Chains {
  for (const model of Object.keys(general)) {
    if (own === undefined || !Object.hasOwn(own, model)) continue;
    throw invalid(
      `the model ${JSON.stringify(model)} has fallbacks in the options of the gateway and in those of this plugin; keep one`,
      "fallbacks",
    );
  }
  return { ...general, ...own };
}

function checkChains(settings: ChainSettings, models: ModelTable, { others, modelFor }: ChainNames): void {
  for (const option of Object.values(OPTION)) {
    for (const [model, chain] of Object.entries(settings[option] ?? {})) {
      const named = `"${option}" of ${JSON.stringify(model)}`;
      if (!others.has(model)) checkKnown(model, `"${option}"`, option, models);
      for (const target of chain) {
        const meant = modelFor(target, APPLICATION);
        if (target === model || meant === model) throw invalid(`${named} names the model itself; leave it out`, option);
        checkKnown(meant, named, option, models);
      }
    }
  }
  for (const target of settings.defaultFallbacks ?? []) {
    checkKnown(modelFor(target, APPLICATION), '"defaultFallbacks"', "defaultFallbacks", models);
  }
}

function invalid(message: string, param: string): GatewayError {
  return new GatewayError("option_invalid", `fallbacks: ${message}`, { param, source: "fallbacks" });
}
