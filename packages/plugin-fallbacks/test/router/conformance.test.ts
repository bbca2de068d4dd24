import { describe, it } from "vitest";
import type { ModelTable, Router, Strategy } from "@signalbox/kernel";
import { MemoryState } from "@signalbox/kernel";
import { testRouter } from "@signalbox/kernel/testkit";
import type { FallbacksOptions } from "../../src/index.ts";
import { fallbacks } from "../../src/index.ts";

function routerOf(models: ModelTable, options: FallbacksOptions, strategy: Strategy): Router {
  const { router } = fallbacks(options);
  if (typeof router !== "function") throw new TypeError("the plugin's router is no function");
  return router(models, {
    strategy,
    fallbacks: {},
    state: new MemoryState(),
    facts: () => ({}),
    probe: () => Promise.reject(new Error("nobody is asked")),
  });
}

const LISTED: Strategy = { name: "listed", order: (_call, candidates) => candidates };
const QUEUED: Strategy = {
  name: "queued",
  *order(_call, candidates) {
    for (const candidate of candidates) yield Promise.resolve(candidate);
  },
};

describe.each<[string, FallbacksOptions, Strategy]>([
  ["no options", {}, LISTED],
  ["no retries", { retries: 0 }, LISTED],
  ["many retries", { retries: 20, retryAfterMs: 50, cooldown: { disabled: true } }, LISTED],
  ["an empty budget", { retryBudget: { ratio: 0, minPerSecond: 0 } }, LISTED],
  ["hedging", { hedge: { minMs: 1 } }, LISTED],
  ["a strategy that waits", { retries: 1 }, QUEUED],
])("with %s", (_name, options, strategy) => {
  testRouter({ runner: { describe, it }, router: (models) => routerOf(models, options, strategy) });
});
