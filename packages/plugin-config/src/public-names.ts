import type { ModelTable } from "@signalbox/kernel";
import { nearest } from "@signalbox/kernel";
import type { ModelValues } from "./config-values.ts";
import type { KeyPath, Source } from "./source.ts";

/** The name that clients ask for: a team may have another one than the file. */
export function publicName({ model_name: name, model_info: info }: ModelValues): string | undefined {
  return info?.team_public_model_name ?? name;
}

/** Names by what stands behind them. */
export interface NamedModels {
  /**
   * The models that deployments serve. Undefined when some name could not be read, since then nobody can say which
   * reference is wrong.
   */
  readonly models: ModelTable | undefined;
  /** Names behind which other models stand, one for each call. */
  readonly selectors: ReadonlySet<string>;
  readonly aliases: ReadonlySet<string>;
  /** Models of which no entry is valid, where that is to be tolerated. */
  readonly leftOut: ReadonlySet<string>;
}

/** What the rest of a configuration may refer to. A reference to something else is a problem at its place. */
export class PublicNames {
  readonly #named: NamedModels;
  readonly #source: Source;

  constructor(named: NamedModels, source: Source) {
    this.#named = named;
    this.#source = source;
  }

  /** Whether deployments serve it. */
  served(model: string, path: KeyPath): boolean {
    return this.#check(model, path, []);
  }

  /** The same, where nothing can be done without it. */
  needed(model: string, path: KeyPath): boolean {
    if (!this.#named.leftOut.has(model)) return this.served(model, path);
    this.#source.problem(path, `names ${JSON.stringify(model)}, of which no entry is valid`);
    return false;
  }

  /** Whether deployments serve it, or it is the pattern of some. */
  listed(model: string, path: KeyPath): boolean {
    return this.#named.models?.names().includes(model) === true || this.served(model, path);
  }

  /** Whether deployments serve it, or it stands for others that they serve. */
  known(model: string, path: KeyPath): boolean {
    return this.#check(model, path, [this.#named.selectors]);
  }

  /** Whether deployments serve it, under this name or one that it is an alias of. */
  reached(model: string, path: KeyPath): boolean {
    return this.#check(model, path, [this.#named.aliases]);
  }

  /** Whether clients can ask for it. */
  asked(model: string, path: KeyPath): boolean {
    return this.#check(model, path, [this.#named.selectors, this.#named.aliases]);
  }

  /** Whether it is the name of a model, or of what stands for models; without a report. */
  taken(model: string): boolean {
    const { selectors, models } = this.#named;
    return selectors.has(model) || (models?.names().includes(model) ?? false);
  }

  #check(model: string, path: KeyPath, allowed: readonly ReadonlySet<string>[]): boolean {
    const { models, leftOut, selectors, aliases } = this.#named;
    if (leftOut.has(model)) return false;
    if (models === undefined || models.deployments(model).length > 0) return true;
    if (allowed.some((names) => names.has(model))) return true;
    if (selectors.has(model) || aliases.has(model)) {
      const message = `names ${JSON.stringify(model)}, which stands for other models; name one of those`;
      this.#source.problem(path, message);
      return false;
    }
    const others = allowed.flatMap((names) => nearest(model, names));
    const near = [...models.nearest(model), ...others].slice(0, 3).map((name) => JSON.stringify(name));
    const hint = near.length === 0 ? undefined : `Did you mean ${near.join(" or ")}?`;
    this.#source.problem(path, `no model is named ${JSON.stringify(model)}`, hint);
    return false;
  }
}
