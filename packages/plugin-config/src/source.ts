import { referencedVariable } from "./environment.ts";
import type { Place, Problems } from "./problem.ts";
import type { SourceMap } from "./source-tree.ts";
import { keyPath, nodeAt } from "./source-tree.ts";

export type KeyPath = readonly (string | number)[];

/** `["model_list", 0, "model_name"]` as it is shown: `model_list[0].model_name`. */
export function pathText(path: KeyPath): string {
  return path.reduce<string>((text, step) => (typeof step === "number" ? `${text}[${step}]` : keyPath(text, step)), "");
}

/** The configuration as written, for checks that come after the single keys: finds places, takes problems. */
export class Source {
  readonly #root: SourceMap;
  readonly #problems: Problems;

  constructor(root: SourceMap, problems: Problems) {
    this.#root = root;
    this.#problems = problems;
  }

  problem(path: KeyPath, message: string, hint?: string): void {
    this.#problems.add(this.#place(path), pathText(path), message, hint);
  }

  /** The same as a sentence, for what is worth knowing and no problem. */
  placed(path: KeyPath, message: string): string {
    const { file, line, column } = this.#place(path);
    return `${file}:${line}:${column} ${pathText(path)}: ${message}`;
  }

  has(path: KeyPath): boolean {
    const parent = nodeAt(this.#root, path.slice(0, -1));
    return parent.kind === "map" && parent.entries.has(String(path.at(-1)));
  }

  /** Keys of a map; none of anything else. */
  keys(path: KeyPath): readonly string[] {
    const node = nodeAt(this.#root, path);
    return node.kind === "map" ? [...node.entries.keys()] : [];
  }

  /** Whether a key is not there, and was not just misspelt, which is known by now. */
  lacks(path: KeyPath, key: string): boolean {
    return !this.has([...path, key]) && !this.#problems.suggested(pathText(path), key);
  }

  /** Nobody knows what a key is to say: it was misspelt, or something is wrong with it, which is known by now. */
  unsure(path: KeyPath, key: string): boolean {
    return this.#problems.suggested(pathText(path), key) || this.faulty([...path, key]);
  }

  /** A key that has to be there. */
  missing(path: KeyPath, key: string): void {
    if (!this.lacks(path, key)) return;
    this.#problems.add(this.#place(path), pathText([...path, key]), "is missing");
  }

  /** Whether something below the path has been reported. */
  faulty(path: KeyPath): boolean {
    return this.#problems.below(pathText(path));
  }

  /** The variable that the value was written as a reference to. */
  reference(path: KeyPath): string | undefined {
    const node = nodeAt(this.#root, path);
    return node.kind === "value" ? referencedVariable(node.value) : undefined;
  }

  #place(path: KeyPath): Place {
    return nodeAt(this.#root, path).place;
  }
}
