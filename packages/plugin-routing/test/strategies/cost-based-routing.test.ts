import { describe, expect, it } from "vitest";
import type { Call } from "@signalbox/kernel";
import { testCall } from "@signalbox/kernel/testkit";
import { chatCall, known } from "../calls.ts";
import { counted, expectShares, seeded } from "./chance.ts";
import { StrategyBench } from "./strategy-bench.ts";

const options = { strategy: "cost-based-routing" } as const;
const priced = (id: string, inputCostPerToken: number, outputCostPerToken: number) =>
  known(id, { inputCostPerToken, outputCostPerToken });

/** A call of a length: four characters are about one token. */
function sized(inputTokens: number, maxOutputTokens: number): Call {
  return chatCall({ text: "word".repeat(inputTokens), request: { maxOutputTokens } });
}

describe("cost-based-routing", () => {
  it("tries the cheapest for each call, long questions and long answers apart", () => {
    const random = seeded(11);
    const prices = Array.from({ length: 12 }, (_, index) => ({
      id: `d${index}`,
      input: random() * 1e-5,
      output: random() * 4e-5,
    }));
    const bench = new StrategyBench({
      deployments: prices.map((each) => priced(each.id, each.input, each.output)),
      options,
    });
    const chosen = new Set<string>();
    for (let request = 0; request < 10_000; request++) {
      const input = Math.floor(10 ** (1 + 3 * random()));
      const output = Math.floor(10 ** (1 + 3 * random()));
      const { id } = bench.first(sized(input, output));
      chosen.add(id);
      // a message's frame counts four tokens
      const costs = prices.map((each) => ({ id: each.id, cost: (input + 4) * each.input + output * each.output }));
      const cheapest = costs.reduce((best, each) => (each.cost < best.cost ? each : best));
      expect(id).toBe(cheapest.id);
    }
    expect(chosen.size).toBeGreaterThan(1);
  });

  it("goes on with the next cheapest", () => {
    const deployments = [priced("dear", 3, 3), priced("cheap", 1, 1), priced("free", 0, 0), priced("middle", 2, 2)];
    const order = new StrategyBench({ deployments, options }).order();
    expect(order.map(({ id }) => id)).toEqual(["free", "cheap", "middle", "dear"]);
  });

  it("lets chance decide among equals", () => {
    const deployments = [
      priced("a", 1e-6, 2e-6),
      priced("dear", 1e-5, 2e-6),
      priced("b", 1e-6, 2e-6),
      priced("c", 1e-6, 2e-6),
    ];
    const bench = new StrategyBench({ deployments, options });
    const counts = counted(Array.from({ length: 10_000 }, () => bench.first().id));
    expectShares(counts, { a: 1 / 3, b: 1 / 3, c: 1 / 3, dear: 0 });
  });

  it("puts those without a price last, and says so", () => {
    const deployments = [known("half", { inputCostPerToken: 0 }), known("none", {}), priced("dear", 1, 1)];
    const bench = new StrategyBench({ deployments, options });
    const call = chatCall();
    expect(bench.order(call)[0]?.id).toBe("dear");
    expect(call.trace.notes).toEqual([
      { stage: "route", text: "lowest cost: 2 of 3 deployments without a price, tried last" },
    ]);
    const seconds = counted(Array.from({ length: 10_000 }, () => bench.order()[1]?.id ?? ""));
    expectShares(seconds, { half: 0.5, none: 0.5 });
  });

  it("chooses by chance where no price is known, and says so", () => {
    const bench = new StrategyBench({ deployments: [known("a", {}), known("b", {})], options });
    const call = chatCall();
    bench.first(call);
    expect(call.trace.notes?.[0]?.text).toBe("lowest cost: 2 of 2 deployments without a price, chosen by chance");
    expectShares(counted(Array.from({ length: 10_000 }, () => bench.first().id)), { a: 0.5, b: 0.5 });
  });

  it("takes a price that is no price for none", () => {
    const deployments = [priced("negative", -1, -1), priced("nan", Number.NaN, 0), priced("dear", 1, 1)];
    expect(new StrategyBench({ deployments, options }).first().id).toBe("dear");
  });

  it("needs no price for output where there is none", () => {
    const deployments = [known("dear", { inputCostPerToken: 2 }), known("cheap", { inputCostPerToken: 1 })];
    const bench = new StrategyBench({ deployments, options });
    const call = testCall({ operation: "embed", request: { model: "m", inputs: ["a text"] } }) as unknown as Call;
    expect(bench.order(call).map(({ id }) => id)).toEqual(["cheap", "dear"]);
    expect(call.trace.notes).toBeUndefined();
  });
});
