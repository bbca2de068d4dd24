import type { ModelSelector, Plugin, StageLayers, Strategy } from "@signalbox/kernel";
import type { Affinity } from "./affinity/affinity.ts";
import { promptCacheAffinity } from "./affinity/prompt-cache-affinity.ts";
import { sessionAffinity } from "./affinity/session-affinity.ts";
import { composedStrategy } from "./composed-strategy.ts";
import type { CandidateFilter } from "./filters/candidate-filter.ts";
import { capabilityFilter } from "./filters/capability-filter.ts";
import { contextFilter } from "./filters/context-filter.ts";
import { regionFilter } from "./filters/region-filter.ts";
import { tagFilter } from "./filters/tag-filter.ts";
import { withLimits } from "./limits/deployment-limits.ts";
import type { MirrorLayer } from "./mirror/mirror-layer.ts";
import { mirrorLayer } from "./mirror/mirror-layer.ts";
import type { RoutingOptions } from "./options.ts";
import { checkRoutingOptions } from "./options.ts";
import { contentRouter } from "./selectors/content-router.ts";
import { split } from "./selectors/split.ts";
import type { StrategyParts } from "./strategies/choice.ts";
import { ChosenStrategies } from "./strategies/chosen-strategies.ts";

/**
 * Decides which deployment of a model serves a call: by one of the strategies, within the limits of the deployments, and
 * by what the call asks, where its caller may be served and what it can use.
 *
 * ```ts
 * routing({ strategy: "latency-based-routing", models: { "gpt-5": "cost-based-routing" }, sessionAffinity: true })
 * ```
 *
 * @throws {GatewayError} `option_invalid` naming the option
 */
export function routing(options: RoutingOptions = {}): Plugin {
  checkRoutingOptions(options);
  const { contentRouters = {}, splits = {}, mirrors, queue } = options;
  const selectors: readonly ModelSelector[] = [
    ...Object.entries(contentRouters).map(([model, each]) => contentRouter(model, each)),
    ...Object.entries(splits).map(([model, each]) => split(model, each)),
  ];
  const mirror: MirrorLayer | undefined = mirrors === undefined ? undefined : mirrorLayer(mirrors);
  const layers: StageLayers | undefined = mirror && { cache: mirror };
  return {
    name: "routing",
    strategy(models, parts) {
      mirror?.validate(models, parts.otherNames);
      const { random } = Math;
      return routingStrategy(options, { ...parts, models, random, now: () => performance.now(), epochNow: Date.now });
    },
    ...(selectors.length > 0 && { selectors }),
    ...(layers !== undefined && { layers }),
    ...(queue !== undefined && { extensions: ["priority"] }),
    ...(mirror !== undefined && { close: () => mirror.close() }),
  };
}

/**
 * The strategy that these options make.
 *
 * @throws {GatewayError} `option_invalid` for a model that no deployment serves
 */
function routingStrategy(options: RoutingOptions, parts: StrategyParts): Strategy {
  const { queue, defaultMaxParallel } = options;
  const strategies = new ChosenStrategies(options, parts);
  const ordered = composedStrategy({
    filters: filtersOf(options, parts),
    affinities: affinitiesOf(options, parts),
    strategies,
  });
  const limits = {
    now: parts.epochNow,
    ...(queue !== undefined && { queue }),
    ...(defaultMaxParallel !== undefined && { defaultMaxParallel }),
  };
  return withLimits(ordered, limits, parts);
}

function filtersOf(options: RoutingOptions, { facts }: StrategyParts): readonly CandidateFilter[] {
  const { tags, preCallChecks = true } = options;
  return [
    ...(tags?.enabled === true ? [tagFilter(tags)] : []),
    regionFilter(),
    ...(preCallChecks ? [capabilityFilter(facts), contextFilter(facts)] : []),
  ];
}

/** A session is the narrower bond: it wins over a shared beginning. */
function affinitiesOf(options: RoutingOptions, parts: StrategyParts): readonly Affinity[] {
  const { sessionAffinity: session = false, promptCacheAffinity: promptCache = false } = options;
  return [
    ...(session === false ? [] : [sessionAffinity(session === true ? {} : session, parts)]),
    ...(promptCache === false ? [] : [promptCacheAffinity(promptCache === true ? {} : promptCache, parts)]),
  ];
}
