/** Every name that a strategy of this package has. */
export const STRATEGY_NAMES = [
  "simple-shuffle",
  "least-busy",
  "latency-based-routing",
  "cost-based-routing",
  "usage-based-routing",
  "usage-based-routing-v2",
  "priority",
] as const;
