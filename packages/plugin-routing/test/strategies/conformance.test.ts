import { describe, it } from "vitest";
import type { Strategy } from "@signalbox/kernel";
import { listedRouter, MemoryState } from "@signalbox/kernel";
import { testRouter } from "@signalbox/kernel/testkit";
import { routing } from "../../src/index.ts";
import { STRATEGY_NAMES } from "../../src/strategies/strategy-names.ts";
import { factsOf } from "../calls.ts";

const nearest: Strategy = { name: "nearest", order: (_call, candidates) => candidates };

describe.each([...STRATEGY_NAMES, nearest])("%s", (strategy) => {
  describe.each([
    ["alone", {}],
    ["with everything", { tags: { enabled: true }, sessionAffinity: true, promptCacheAffinity: true, queue: {} }],
  ] as const)("%s", (_name, more) => {
    testRouter({
      runner: { describe, it },
      router(models) {
        const { strategy: made } = routing({ strategy, ...more });
        if (typeof made !== "function") throw new Error("the strategy is not made by a function");
        return listedRouter(models, {
          strategy: made(models, { state: new MemoryState(), facts: factsOf, fallbacks: {} }),
        });
      },
      deployment: (deployment, index) => ({ ...deployment, order: index % 2, weight: 1 + index }),
    });
  });
});
