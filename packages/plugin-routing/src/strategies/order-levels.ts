import type { Deployment } from "@signalbox/kernel";

/**
 * Candidates by their `order`, the lowest first, each level as listed. Kept for as long as the candidates are: the same
 * candidates have the same levels.
 */
export class OrderLevels {
  readonly #known: WeakMap<readonly Deployment[], readonly (readonly Deployment[])[]> = new WeakMap();

  of(candidates: readonly Deployment[]): readonly (readonly Deployment[])[] {
    let levels = this.#known.get(candidates);
    if (levels === undefined) {
      levels = levelsOf(candidates);
      this.#known.set(candidates, levels);
    }
    return levels;
  }
}

function levelsOf(candidates: readonly Deployment[]): readonly (readonly Deployment[])[] {
  const first = candidates[0]?.order ?? 0;
  if (candidates.every(({ order = 0 }) => order === first)) return [candidates];
  const levels = Map.groupBy(candidates, ({ order = 0 }) => order);
  return [...levels].sort(([one], [other]) => one - other).map(([, level]) => level);
}
