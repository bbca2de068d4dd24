import type { ModelTable } from "@signalbox/kernel";
import { nearest } from "@signalbox/kernel";
import type { ModelValues } from "./config-values.ts";
import type { KeyPath, Source } from "./source.ts";

/** The name that clients ask for: a team may have another one than the file. */
export function publicName({ model_name: name, model_info: info }: ModelValues): string | undefined {
  return info?.team_public_model_name ?? name;
}

/** What the rest of a configuration may refer to. A reference to something else is a problem at its place. */
export class PublicNames {
  readonly #models: ModelTable | undefined;
  readonly #selectors: ReadonlySet<string>;
  readonly #leftOut: ReadonlySet<string>;
  readonly #source: Source;

  /**
   * @param models the models that deployments serve; undefined when some name could not be read, since then nobody can
   *   say which reference is wrong
   * @param selectors names behind which other models stand
   * @param leftOut models of which no entry is valid, where that is to be tolerated
   */
  constructor(
    models: ModelTable | undefined,
    selectors: ReadonlySet<string>,
    leftOut: ReadonlySet<string>,
    source: Source,
  ) {
    this.#models = models;
    this.#selectors = selectors;
    this.#leftOut = leftOut;
    this.#source = source;
  }

  /** Whether deployments serve it. */
  served(model: string, path: KeyPath): boolean {
    return this.#check(model, path, false);
  }

  /** Whether clients can ask for it: deployments serve it, or it stands for others. */
  known(model: string, path: KeyPath): boolean {
    return this.#check(model, path, true);
  }

  /** Whether the name is taken; without a report. */
  taken(model: string): boolean {
    return this.#selectors.has(model) || (this.#models?.names().includes(model) ?? false);
  }

  #check(model: string, path: KeyPath, selectable: boolean): boolean {
    if (this.#leftOut.has(model)) return false;
    if (selectable && this.#selectors.has(model)) return true;
    const models = this.#models;
    if (models === undefined || models.deployments(model).length > 0) return true;
    if (this.#selectors.has(model)) {
      this.#source.problem(
        path,
        `names ${JSON.stringify(model)}, which only stands for other models; name one of those`,
      );
      return false;
    }
    const others = selectable ? nearest(model, this.#selectors) : [];
    const near = [...models.nearest(model), ...others].slice(0, 3).map((name) => JSON.stringify(name));
    const hint = near.length === 0 ? undefined : `Did you mean ${near.join(" or ")}?`;
    this.#source.problem(path, `no model is named ${JSON.stringify(model)}`, hint);
    return false;
  }
}
