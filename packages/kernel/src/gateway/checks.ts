import type { ModelTable } from "../deployment.ts";
import type { ResourceRoute, Route } from "../dialect.ts";
import { GatewayError } from "../errors.ts";
import { STAGES } from "../layer.ts";
import { didYouMean } from "../nearest.ts";
import type { Plugin } from "../plugin.ts";
import type { Provider } from "../provider.ts";
import { checkPluginMembers } from "./check-members.ts";
import { checkSelectors } from "./check-routing.ts";
import type { ModelNames } from "./model-names.ts";

// What must hold before a gateway may start. Every message names the culprit and the remedy.

const CONTRACTS = [
  "authenticator",
  "router",
  "strategy",
  "sharedState",
  "ledger",
  "pricing",
  "limitStore",
  "reservationStore",
  "entryStore",
  "recordStore",
  "transport",
] as const;

export function checkPlugins(plugins: readonly Plugin[]): void {
  const names = new Set<string>();
  for (const plugin of plugins) {
    if (typeof plugin?.name !== "string" || plugin.name === "") {
      throw new GatewayError("option_invalid", "a plugin has no name; give every plugin a unique, non-empty name", {
        param: "plugins",
      });
    }
    if (names.has(plugin.name)) {
      throw new GatewayError(
        "plugin_duplicate",
        `two plugins are named ${JSON.stringify(plugin.name)}; remove one, or give one another name`,
        { source: plugin.name },
      );
    }
    names.add(plugin.name);
  }
  for (const plugin of plugins) {
    checkPluginMembers(plugin);
    checkRequirements(plugin, names);
    checkStages(plugin);
    checkGuardrails(plugin);
    checkSelectors(plugin);
  }
  checkContracts(plugins);
}

function checkRequirements(plugin: Plugin, names: ReadonlySet<string>): void {
  for (const required of plugin.requires ?? []) {
    if (names.has(required)) continue;
    throw new GatewayError(
      "plugin_requirement_missing",
      `plugin ${JSON.stringify(plugin.name)} requires plugin ${JSON.stringify(required)}, which is not there; ` +
        `add it to "plugins".${didYouMean(required, names)}`,
      { source: plugin.name },
    );
  }
}

function checkStages(plugin: Plugin): void {
  const stages: readonly string[] = STAGES;
  for (const stage of Object.keys(plugin.layers ?? {})) {
    if (stages.includes(stage)) continue;
    throw new GatewayError(
      "stage_unknown",
      `plugin ${JSON.stringify(plugin.name)} has layers for the stage ${JSON.stringify(stage)}, which does not exist; ` +
        `the stages are ${STAGES.join(", ")}.${didYouMean(stage, STAGES)}`,
      { source: plugin.name },
    );
  }
}

function checkGuardrails(plugin: Plugin): void {
  for (const guardrail of plugin.guardrails ?? []) {
    const { name, streaming, checkRequest, checkResult, checkWindow } = guardrail;
    const problem =
      checkRequest === undefined && checkResult === undefined && checkWindow === undefined
        ? "checks nothing; give it checkRequest, checkResult or checkWindow"
        : streaming === "window" && checkWindow === undefined
          ? 'streams in "window" but has no checkWindow; add it, or use "hold"'
          : streaming !== undefined && !["hold", "window", "observe"].includes(streaming)
            ? `streams in ${JSON.stringify(streaming)}; use "hold", "window" or "observe"`
            : undefined;
    if (problem === undefined) continue;
    throw new GatewayError(
      "guardrail_incomplete",
      `guardrail ${JSON.stringify(name)} of plugin ${JSON.stringify(plugin.name)} ${problem}`,
      { source: plugin.name },
    );
  }
}

function checkContracts(plugins: readonly Plugin[]): void {
  for (const contract of CONTRACTS) {
    const owners = plugins.filter((plugin) => plugin[contract] !== undefined).map(({ name }) => name);
    if (owners.length < 2) continue;
    throw new GatewayError(
      "contract_duplicate",
      `plugins ${owners.map((name) => JSON.stringify(name)).join(" and ")} both bring a ${contract}; ` +
        "a gateway has one: remove a plugin, or register the one you want in the container",
      { source: owners[1] },
    );
  }
}

/** All providers by name. */
export function collectProviders(plugins: readonly Plugin[]): ReadonlyMap<string, Provider> {
  const providers = new Map<string, Provider>();
  for (const plugin of plugins) {
    for (const provider of plugin.providers ?? []) {
      if (providers.has(provider.name)) {
        throw new GatewayError(
          "provider_duplicate",
          `provider ${JSON.stringify(provider.name)} of plugin ${JSON.stringify(plugin.name)} is there already; ` +
            "register it once, and give its deployments their own keys and base URLs",
          { source: plugin.name },
        );
      }
      providers.set(provider.name, provider);
    }
  }
  return providers;
}

/** Two routes that could both answer a request, and no `when` to decide. */
export function checkRoutes(plugins: readonly Plugin[]): void {
  const dialects = new Set<string>();
  const taken = new Map<string, string>();
  const claim = (route: Route | ResourceRoute, owner: string): void => {
    if (route.kind === "resource" && route.when !== undefined) return;
    const key = `${route.method} ${route.path.replaceAll(/\/:[A-Za-z_]\w*/g, "/:")}`;
    const other = taken.get(key);
    if (other !== undefined) {
      throw new GatewayError(
        "route_duplicate",
        `${route.method} ${route.path} is served by ${JSON.stringify(other)} and by ${JSON.stringify(owner)}; ` +
          "remove one, or give one a `when` that decides by headers",
        { source: owner },
      );
    }
    taken.set(key, owner);
  };
  for (const plugin of plugins) {
    for (const dialect of plugin.dialects ?? []) {
      if (dialects.has(dialect.name)) {
        throw new GatewayError(
          "dialect_duplicate",
          `dialect ${JSON.stringify(dialect.name)} of plugin ${JSON.stringify(plugin.name)} is there already; remove one`,
          { source: plugin.name },
        );
      }
      dialects.add(dialect.name);
      for (const route of dialect.routes) claim(route, dialect.name);
    }
    for (const route of plugin.routes ?? []) claim(route, plugin.name);
  }
}

export function checkFallbacks(
  fallbacks: Readonly<Record<string, readonly string[]>> | undefined,
  models: ModelTable,
  { selectors, aliases }: Pick<ModelNames, "selectors" | "aliases">,
): void {
  for (const [model, chain] of Object.entries(fallbacks ?? {})) {
    for (const name of [model, ...chain]) {
      const meant = aliases.get(name)?.model ?? name;
      if (models.deployments(meant).length > 0 || (name === model && selectors.has(meant))) continue;
      const hint = models.nearest(name).map((near) => JSON.stringify(near));
      throw new GatewayError(
        "fallback_unknown",
        `the fallbacks of ${JSON.stringify(model)} name the model ${JSON.stringify(name)}, which no deployment serves` +
          (hint.length === 0 ? "" : `; the nearest names are ${hint.join(", ")}`),
        { param: "fallbacks" },
      );
    }
  }
}
