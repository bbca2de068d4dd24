import { describe, it } from "vitest";
import type { Deployment, ModelTable, RoutingParts, Strategy } from "@signalbox/kernel";
import { listedRouter, MemoryState } from "@signalbox/kernel";
import { testRouter, testStrategy } from "@signalbox/kernel/testkit";
import { routing } from "../../src/index.ts";
import { STRATEGY_NAMES } from "../../src/strategies/strategy-names.ts";
import { factsOf } from "../calls.ts";

const nearest: Strategy = { name: "nearest", order: (_call, candidates) => candidates };

describe.each([...STRATEGY_NAMES, nearest])("%s", (strategy) => {
  describe.each([
    ["alone", {}],
    ["with everything", { tags: { enabled: true }, sessionAffinity: true, promptCacheAffinity: true, queue: {} }],
  ] as const)("%s", (_name, more) => {
    const made = (models: ModelTable, parts: RoutingParts): Strategy => {
      const { strategy: factory } = routing({ strategy, ...more });
      if (typeof factory !== "function") throw new Error("the strategy is not made by a function");
      return factory(models, parts);
    };
    const deployment = (each: Deployment, index: number): Deployment => ({
      ...each,
      order: index % 2,
      weight: 1 + index,
    });

    testStrategy({ runner: { describe, it }, strategy: made, deployment });
    testRouter({
      runner: { describe, it },
      router: (models) =>
        listedRouter(models, { strategy: made(models, { state: new MemoryState(), facts: factsOf, fallbacks: {} }) }),
      deployment,
    });
  });
});
