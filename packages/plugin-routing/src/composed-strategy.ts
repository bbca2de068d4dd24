import { channel } from "node:diagnostics_channel";
import type { AttemptWatcher, Call, Deployment, Strategy } from "@signalbox/kernel";
import type { Affinity } from "./affinity/affinity.ts";
import type { CandidateFilter } from "./filters/candidate-filter.ts";
import type { ChosenStrategies } from "./strategies/chosen-strategies.ts";
import { OrderLevels } from "./strategies/order-levels.ts";

/** What a call's candidates pass through, in this order. */
export interface ComposedParts {
  readonly filters: readonly CandidateFilter[];
  /** The first one that knows a deployment wins. */
  readonly affinities: readonly Affinity[];
  readonly strategies: ChosenStrategies;
}

const observerErrors = channel("signalbox:observer-error");

/**
 * One strategy made of many parts: filters leave out what must not be used, an affinity names who comes first, the
 * model's strategy orders the others. The lowest `order` comes before everything: an affinity does not keep calls on a
 * substitute when the deployments that come first are back.
 */
export function composedStrategy({ filters, affinities, strategies }: ComposedParts): Strategy {
  const levels = new OrderLevels();
  const watcher = combinedWatchers([...affinities, ...strategies.all()]);

  function filtered(call: Call, candidates: readonly Deployment[]): readonly Deployment[] {
    let left = candidates;
    for (const each of filters) {
      if (left.length === 0) break;
      left = each.filter(call, left);
    }
    return left;
  }

  function preferredOf(call: Call, candidates: readonly Deployment[]): Deployment | undefined {
    for (const affinity of affinities) {
      const preferred = affinity.preferred(call, candidates);
      if (preferred !== undefined) return preferred;
    }
    return undefined;
  }

  return {
    name: "routing",
    *order(call, candidates) {
      const left = filtered(call, candidates);
      const first = left[0];
      if (first === undefined) return;
      const strategy = strategies.of(first);
      const inOrder = levels.of(left);
      const preferred = affinities.length === 0 ? undefined : preferredOf(call, inOrder[0] as readonly Deployment[]);
      if (preferred === undefined) {
        for (const level of inOrder) yield* strategy.order(call, level);
        return;
      }
      yield preferred;
      for (const level of inOrder) {
        for (const deployment of strategy.order(call, level)) if (deployment !== preferred) yield deployment;
      }
    },
    validate: (models) => strategies.validate(models),
    ...watcher,
  };
}

/** All watchers as one. One that throws is reported once; the call goes on, and the others are told all the same. */
function combinedWatchers(watchers: readonly (AttemptWatcher & { readonly name: string })[]): AttemptWatcher {
  const beginning = watchers.filter(({ begin }) => begin !== undefined);
  const answering = watchers.filter(({ answered }) => answered !== undefined);
  const reporting = watchers.filter(({ report }) => report !== undefined);
  const known = new Set<string>();

  function publish(watcher: string, moment: keyof AttemptWatcher, error: unknown): void {
    const key = `${watcher} ${moment}`;
    if (known.has(key)) return;
    known.add(key);
    observerErrors.publish({ plugin: "routing", watcher, moment, error });
  }

  return {
    ...(beginning.length > 0 && {
      begin(deployment, call) {
        for (const each of beginning) {
          try {
            each.begin?.(deployment, call);
          } catch (error) {
            publish(each.name, "begin", error);
          }
        }
      },
    }),
    ...(answering.length > 0 && {
      answered(deployment, firstEventMs, call) {
        for (const each of answering) {
          try {
            each.answered?.(deployment, firstEventMs, call);
          } catch (error) {
            publish(each.name, "answered", error);
          }
        }
      },
    }),
    ...(reporting.length > 0 && {
      report(deployment, outcome, call) {
        for (const each of reporting) {
          try {
            each.report?.(deployment, outcome, call);
          } catch (error) {
            publish(each.name, "report", error);
          }
        }
      },
    }),
  };
}
