import type { AttemptWatcher, Call, Deployment, ModelTable, RoutingParts, Strategy } from "@signalbox/kernel";

/** What a strategy of this package is made with. Randomness and time are given, so that tests can repeat them. */
export interface StrategyParts extends RoutingParts {
  readonly models: ModelTable;
  /** From 0 to less than 1. */
  readonly random: () => number;
  /** Milliseconds that never go back. */
  readonly now: () => number;
  /** Epoch milliseconds: the same in all processes. */
  readonly epochNow: () => number;
}

/** Chooses one deployment at a time among those of one model and one `order`. */
export interface Choice<Kept> extends AttemptWatcher {
  readonly name: string;
  /** What is needed to choose, one for each candidate; made once for an array of candidates. */
  prepare(candidates: readonly Deployment[]): readonly Kept[];
  /** The place of the best one in `left`, which is never empty. `first`: nobody was tried before. */
  choose(call: Call, left: readonly Kept[], first: boolean): number;
}

/**
 * The strategy that asks a choice whenever a deployment is pulled. Most calls pull one: only for the second one is
 * anything copied.
 */
export function choosing<Kept>(choice: Choice<Kept>): Strategy {
  const prepared = new WeakMap<readonly Deployment[], readonly Kept[]>();
  function preparedFor(candidates: readonly Deployment[]): readonly Kept[] {
    let kept = prepared.get(candidates);
    if (kept === undefined) {
      kept = choice.prepare(candidates);
      prepared.set(candidates, kept);
    }
    return kept;
  }

  return {
    name: choice.name,
    *order(call, candidates) {
      if (candidates.length === 0) return;
      const kept = preparedFor(candidates);
      let at = choice.choose(call, kept, true);
      yield candidates[at] as Deployment;
      if (candidates.length === 1) return;
      const left = [...candidates];
      const keptLeft = [...kept];
      for (;;) {
        left.splice(at, 1);
        keptLeft.splice(at, 1);
        if (left.length === 0) return;
        at = choice.choose(call, keptLeft, false);
        yield left[at] as Deployment;
      }
    },
    ...(choice.begin !== undefined && { begin: choice.begin.bind(choice) }),
    ...(choice.answered !== undefined && { answered: choice.answered.bind(choice) }),
    ...(choice.report !== undefined && { report: choice.report.bind(choice) }),
  };
}

/** The place of one of the items whose figure is the least, each of them as likely as the others. */
export function randomLeast<Item>(
  items: readonly Item[],
  figureOf: (item: Item) => number,
  random: () => number,
): number {
  let least = Number.POSITIVE_INFINITY;
  let place = 0;
  let equals = 0;
  for (let at = 0; at < items.length; at++) {
    const figure = figureOf(items[at] as Item);
    if (figure < least) {
      least = figure;
      place = at;
      equals = 1;
    } else if (figure === least) {
      equals += 1;
    }
  }
  if (equals < 2) return place;
  let skip = Math.floor(random() * equals);
  for (let at = 0; at < items.length; at++) {
    if (figureOf(items[at] as Item) !== least) continue;
    if (skip === 0) return at;
    skip -= 1;
  }
  return place;
}
