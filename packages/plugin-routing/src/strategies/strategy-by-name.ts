import type { Strategy } from "@signalbox/kernel";
import type { RoutingOptions, StrategyName } from "../options.ts";
import type { StrategyParts } from "./choice.ts";
import { costBasedRouting } from "./cost-based-routing.ts";
import { latencyBasedRouting } from "./latency-based-routing.ts";
import { leastBusy } from "./least-busy.ts";
import { priority } from "./priority.ts";
import { simpleShuffle } from "./simple-shuffle.ts";
import { usageBasedRouting } from "./usage-based-routing.ts";

type Settings = Pick<RoutingOptions, "latency" | "usage">;

const MAKERS: Readonly<Record<StrategyName, (parts: StrategyParts, settings: Settings) => Strategy>> = {
  "simple-shuffle": simpleShuffle,
  "least-busy": leastBusy,
  "latency-based-routing": (parts, { latency }) => latencyBasedRouting(parts, latency),
  "cost-based-routing": costBasedRouting,
  "usage-based-routing": (parts, { usage }) => usageBasedRouting(parts, usage),
  "usage-based-routing-v2": (parts, { usage }) => usageBasedRouting(parts, usage),
  priority,
};

/** The strategy of that name. */
export function strategyByName(name: StrategyName, parts: StrategyParts, settings: Settings): Strategy {
  return MAKERS[name](parts, settings);
}
