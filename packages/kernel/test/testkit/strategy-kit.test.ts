import { describe, expect, it } from "vitest";
import type { Call, Deployment, ModelTable, Strategy } from "@signalbox/kernel";
import { GatewayError } from "@signalbox/kernel";
import { testStrategy } from "@signalbox/kernel/testkit";
import { failuresOf, fakeRunner } from "./fake-runner.ts";

const listed = (): Strategy => ({ name: "listed", order: (_call, candidates) => candidates });

/** Takes turns; keeps its place for each array of candidates. */
function takingTurns(): Strategy {
  const turns = new WeakMap<readonly Deployment[], number>();
  return {
    name: "turns",
    *order(_call, candidates) {
      const turn = turns.get(candidates) ?? 0;
      turns.set(candidates, turn + 1);
      for (let at = 0; at < candidates.length; at++) yield candidates[(turn + at) % candidates.length] as Deployment;
    },
  };
}

/** Leaves out what failed last, unless nothing else is there. */
function cautious(says: boolean): Strategy {
  const failed = new Set<string>();
  return {
    name: "cautious",
    *order(call, candidates) {
      const well = candidates.filter(({ id }) => !failed.has(id));
      yield* well.length === 0 ? candidates : well;
      if (!says || well.length === 0) return;
      for (const { id } of candidates) if (failed.has(id)) call.trace.skip(id, "it failed lately");
    },
    report: ({ id }, { ok }) => void (ok ? failed.delete(id) : failed.add(id)),
  };
}

/** So many attempts at once for each deployment; waits where there are more. */
function limited(most: number, listens: boolean): Strategy {
  const running = new Map<string, number>();
  const count = ({ id }: Deployment): number => running.get(id) ?? 0;
  return {
    name: "limited",
    *order(call, candidates) {
      const free = candidates.filter((candidate) => count(candidate) < most);
      yield* free;
      for (const { id } of candidates) {
        if (free.every((each) => each.id !== id)) call.trace.skip(id, "busy", { code: "concurrency_limit_exceeded" });
      }
      if (free.length > 0) return;
      yield new Promise<Deployment>((_resolve, reject) => {
        const refuse = (): void => reject(new GatewayError("concurrency_limit_exceeded", "all are busy"));
        const timer = setTimeout(refuse, 300);
        if (!listens) return;
        call.signal.addEventListener("abort", () => {
          clearTimeout(timer);
          reject(call.signal.reason);
        });
      });
    },
    begin: (deployment) => void running.set(deployment.id, count(deployment) + 1),
    report: (deployment) => void running.set(deployment.id, Math.max(0, count(deployment) - 1)),
  };
}

/** Has room for so many calls, which it counts when it yields. */
function counting(givesBack: boolean): Strategy {
  let held = 0;
  return {
    name: "counting",
    *order(call, candidates) {
      for (const candidate of candidates) {
        if (held >= 150) {
          call.trace.skip(candidate.id, "no room");
          continue;
        }
        held += 1;
        try {
          yield candidate;
        } finally {
          if (givesBack) held -= 1;
        }
      }
    },
  };
}

const twice = (): Strategy => ({ name: "twice", order: (_call, candidates) => [...candidates, ...candidates] });

describe("testStrategy on strategies that are right", () => {
  const runner = { describe, it };
  describe("listed", () => testStrategy({ runner, strategy: listed }));
  describe("taking turns", () => testStrategy({ runner, strategy: takingTurns }));
  describe("cautious", () => testStrategy({ runner, strategy: () => cautious(true) }));
  describe("limited", () => testStrategy({ runner, strategy: () => limited(5, true) }));
  describe("counting", () => testStrategy({ runner, strategy: () => counting(true) }));
  describe("repeating", () => testStrategy({ runner, strategy: twice, capabilities: { once: false } }));
});

describe("testStrategy on strategies that are wrong", () => {
  const remembered = new Map<number, Call>();
  const wrong: Readonly<Record<string, readonly [(models: ModelTable) => Strategy, RegExp]>> = {
    "has no name": [() => ({ ...listed(), name: "" }), /has a name/],
    "refuses deployments that are right": [
      () => ({
        ...listed(),
        validate() {
          throw new GatewayError("deployment_invalid", "no");
        },
      }),
      /accepts the deployments/,
    ],
    "yields other models' deployments": [(models) => ({ ...listed(), order: () => models.all() }), /yields candidates/],
    "yields copies": [
      () => ({ ...listed(), order: (_call, candidates) => candidates.map((each) => ({ ...each })) }),
      /yields candidates/,
    ],
    "yields nothing": [() => ({ ...listed(), order: () => [] }), /yields candidates/],
    "sorts what it is given": [
      () => ({ ...listed(), order: (_call, candidates) => (candidates as Deployment[]).sort() }),
      /yields candidates/,
    ],
    "never stops": [
      () => ({
        name: "endless",
        *order(_call, candidates) {
          for (;;) yield* candidates;
        },
      }),
      /yields candidates/,
    ],
    "repeats candidates": [twice, /at most once/],
    "leaves out in silence": [() => cautious(false), /says why/],
    "goes by the model of the call": [
      (models) => ({ ...listed(), order: ({ model }) => models.deployments(model) }),
      /orders what it is given/,
    ],
    "keeps what it was given first": [
      () => {
        const kept = new Map<string, Deployment>();
        return {
          name: "keeping",
          order: (_call, candidates) =>
            candidates.map((each) => {
              if (!kept.has(each.id)) kept.set(each.id, each);
              return kept.get(each.id) as Deployment;
            }),
        };
      },
      /orders what it is given/,
    ],
    "throws in report": [
      (models) => ({
        ...listed(),
        report(deployment) {
          if (models.deployments(deployment.model).length === 0) throw new Error(`unknown ${deployment.id}`);
        },
      }),
      /never throws/,
    ],
    "throws in begin": [
      () => ({
        ...listed(),
        begin({ id }) {
          if (id === "gone") throw new Error(`unknown ${id}`);
        },
      }),
      /never throws/,
    ],
    "keeps what it yielded": [() => counting(false), /keeps no room/],
    "waits past the signal": [() => limited(5, false), /does not wait past the signal/],
    "keeps every call": [
      () => ({ ...listed(), begin: (_deployment, call) => void remembered.set(remembered.size, call) }),
      /keeps nothing of calls/,
    ],
    "keeps a word of every caller": [
      () => {
        const seen = new Set<string>();
        return { ...listed(), report: (_deployment, _outcome, { principal }) => void seen.add(principal.id) };
      },
      /keeps nothing of calls/,
    ],
    "keeps a number for every made-up model": [
      () => {
        const counts = new Map<string, number>();
        return { ...listed(), report: ({ model }) => void counts.set(model, (counts.get(model) ?? 0) + 1) };
      },
      /keeps nothing of calls/,
    ],
  };

  it.each(Object.entries(wrong))("catches one that %s", async (_name, [strategy, match]) => {
    const runner = fakeRunner();
    testStrategy({ runner, strategy });
    expect(await failuresOf(runner.cases, match)).toHaveLength(1);
    remembered.clear();
  });

  it("hands the author's deployments, and parts, to the strategy", async () => {
    const runner = fakeRunner();
    const seen: unknown[] = [];
    testStrategy({
      runner,
      deployment: (deployment, index) => ({ ...deployment, weight: index, info: { maxInputTokens: 100 + index } }),
      strategy(models, parts) {
        seen.push(...models.deployments("kit-three").map((each) => [each.weight, parts.facts(each).maxInputTokens]));
        seen.push(parts.state.get("nothing"), parts.fallbacks);
        return listed();
      },
    });
    await runner.cases[0]?.body();
    expect(seen).toEqual([[0, 100], [1, 101], [2, 102], undefined, {}]);
  });
});
