import { describe, expect, it } from "vitest";
import type { Deployment } from "@signalbox/kernel";
import { createModelTable } from "@signalbox/kernel";
import { simpleShuffle } from "../../src/strategies/simple-shuffle.ts";
import { chatCall, deployment, ids } from "../calls.ts";
import { counted, expectShares, seeded } from "./chance.ts";
import { StrategyBench } from "./strategy-bench.ts";

const DRAWS = 20_000;

function bench(deployments: readonly Deployment[], seed?: number): StrategyBench {
  return new StrategyBench({ deployments, options: {}, ...(seed !== undefined && { seed }) });
}

function firsts(deployments: readonly Deployment[]): Record<string, number> {
  const shuffled = bench(deployments);
  return counted(Array.from({ length: DRAWS }, () => shuffled.first().id));
}

describe("simple-shuffle", () => {
  it("shares calls by weight", () => {
    const counts = firsts([
      deployment("a", { weight: 1 }),
      deployment("b", { weight: 2.5 }),
      deployment("c", { weight: 6.5 }),
      deployment("never", { weight: 0 }),
    ]);
    expectShares(counts, { a: 0.1, b: 0.25, c: 0.65, never: 0 });
  });

  it("shares calls by rpm where there are no weights, and by tpm where there is no rpm", () => {
    const limits = { a: { rpm: 100, tpm: 900 }, b: { rpm: 300, tpm: 100 } };
    expectShares(firsts([deployment("a", limits.a), deployment("b", limits.b)]), { a: 0.25, b: 0.75 });
    expectShares(firsts([deployment("a", { tpm: 900 }), deployment("b", { tpm: 100 })]), { a: 0.9, b: 0.1 });
    const weighted = [deployment("a", { ...limits.a, weight: 1 }), deployment("b", { ...limits.b, weight: 1 })];
    expectShares(firsts(weighted), { a: 0.5, b: 0.5 });
  });

  it("treats deployments without shares alike", () => {
    const hundred = Array.from({ length: 100 }, (_, index) => deployment(`d${index}`));
    expectShares(firsts(hundred), Object.fromEntries(ids(hundred).map((id) => [id, 0.01])));
  });

  it("draws without replacement: each place by the weights of those that are left", () => {
    const weights: Readonly<Record<string, number>> = { a: 1, b: 2, c: 3, d: 4 };
    const shuffled = bench(Object.entries(weights).map(([id, weight]) => deployment(id, { weight })));
    const counts = counted(Array.from({ length: 2 * DRAWS }, () => ids(shuffled.order()).join("")));

    // the probability of each of the 24 orders, from its definition
    const shares: Record<string, number> = {};
    const extend = (order: string, left: readonly string[], probability: number): void => {
      if (left.length === 0) shares[order] = probability;
      const sum = left.reduce((total, id) => total + (weights[id] as number), 0);
      for (const id of left) {
        const others = left.filter((other) => other !== id);
        extend(order + id, others, (probability * (weights[id] as number)) / sum);
      }
    };
    extend("", Object.keys(weights), 1);
    expect(Object.keys(shares)).toHaveLength(24);
    expectShares(counts, shares);
  });

  it("tries what has no weight when nothing else is left", () => {
    const shuffled = bench(["a", "b", "c", "d"].map((id) => deployment(id, { weight: id < "c" ? 0 : 1 })));
    const orders = counted(Array.from({ length: DRAWS }, () => ids(shuffled.order()).join("")));
    expectShares(orders, Object.fromEntries(["cdab", "cdba", "dcab", "dcba"].map((order) => [order, 0.25])));
  });

  it("keeps to the shares of those that are left when some are out of use", () => {
    const all = [deployment("a", { weight: 1 }), deployment("b", { weight: 7 }), deployment("c", { weight: 3 })];
    const strategy = simpleShuffle({ random: seeded(3) });
    const left = all.filter(({ id }) => id !== "b");
    const counts = counted(
      Array.from({ length: DRAWS }, () => ids([...strategy.order(chatCall(), left)] as Deployment[])[0] ?? ""),
    );
    expectShares(counts, { a: 0.25, c: 0.75 });
  });

  it("decides about a deployment when it is pulled, not before", () => {
    let draws = 0;
    const source = seeded(1);
    const random = (): number => {
      draws += 1;
      return source();
    };
    const strategy = simpleShuffle({ random });
    const hundred = Array.from({ length: 100 }, (_, index) => deployment(`d${index}`));
    const candidates = strategy.order(chatCall(), hundred)[Symbol.iterator]();
    expect(draws).toBe(0);
    candidates.next();
    expect(draws).toBe(1);
    candidates.next();
    expect(draws).toBe(2);
    expect(ids(hundred)).toEqual(Array.from({ length: 100 }, (_, index) => `d${index}`));
  });

  it("yields each deployment once", () => {
    const hundred = Array.from({ length: 100 }, (_, index) => deployment(`d${index}`, { weight: index }));
    const order = bench(hundred).order();
    expect([...ids(order)].sort()).toEqual([...ids(hundred)].sort());
    expect(order.at(-1)?.id).toBe("d0");
  });
});

describe("shares that cannot be", () => {
  const problemOf = (...deployments: readonly Deployment[]): string => {
    const { strategy } = bench([deployment("fine", { model: "other" })]);
    try {
      strategy.validate?.(createModelTable(deployments, []));
    } catch (thrown) {
      const { code, message } = thrown as { readonly code: string; readonly message: string };
      return `${code}: ${message}`;
    }
    return "fine";
  };

  it("refuses weights that only some deployments have", () => {
    expect(problemOf(deployment("a", { weight: 1 }), deployment("b"), deployment("c"))).toBe(
      'deployment_invalid: model "m": deployment "a" has weight, deployments "b", "c" do not; ' +
        "give all deployments of the model weight, or none of them",
    );
    expect(problemOf(deployment("a", { weight: 1 }), deployment("b", { rpm: 5 }))).toContain('deployment "b" does not');
  });

  it("refuses rpm that only some have, unless all have weights", () => {
    expect(problemOf(deployment("a", { rpm: 1, tpm: 1 }), deployment("b", { tpm: 2 }))).toBe(
      'deployment_invalid: model "m": deployment "a" has rpm, deployment "b" does not; give all deployments of the ' +
        "model rpm, or none of them; or give all of them a weight, which then says how calls are shared",
    );
    expect(problemOf(deployment("a", { rpm: 1, weight: 1 }), deployment("b", { weight: 1 }))).toBe("fine");
    expect(problemOf(deployment("a", { rpm: 1, tpm: 5 }), deployment("b", { rpm: 2 }))).toBe("fine");
  });

  it("refuses weights that sum to nothing, within an order as well", () => {
    expect(problemOf(deployment("a", { weight: 0 }), deployment("b", { weight: 0 }))).toBe(
      'deployment_invalid: model "m": weight of deployments "a", "b" sums to 0; ' +
        "give at least one of them weight above 0, and none an immense one",
    );
    expect(problemOf(deployment("a", { weight: 1 }), deployment("b", { weight: 0, order: 1 }))).toContain(
      'weight of deployment "b" sums to 0',
    );
    expect(
      problemOf(deployment("a", { weight: Number.MAX_VALUE }), deployment("b", { weight: Number.MAX_VALUE })),
    ).toContain("sums to Infinity");
  });

  it.each([-1, Number.NaN, Number.POSITIVE_INFINITY])("refuses a weight of %d", (weight) => {
    expect(problemOf(deployment("a", { weight }), deployment("b", { weight: 1 }))).toBe(
      `deployment_invalid: model "m": weight of deployment "a" is ${weight}; make it a number from 0 up`,
    );
  });

  it("looks at what one caller sees: a team's own deployments are a group of their own", () => {
    const common = [deployment("a", { weight: 1 }), deployment("b", { weight: 2 })];
    expect(problemOf(...common, deployment("team", { teamId: "t" }))).toBe("fine");
    expect(
      problemOf(...common, deployment("t1", { teamId: "t", weight: 1 }), deployment("t2", { teamId: "t" })),
    ).toContain('deployment "t1" has weight, deployment "t2" does not');
  });

  it("looks at each model for itself, and not at those of other strategies", () => {
    const mixed = [deployment("a", { weight: 1 }), deployment("b")];
    expect(problemOf(...mixed.map((each) => ({ ...each, model: "elsewhere" })))).toContain('model "elsewhere"');
    const options = { models: { m: "least-busy" } } as const;
    const { strategy, models } = new StrategyBench({ deployments: mixed, options });
    expect(() => strategy.validate?.(models)).not.toThrow();
  });
});
