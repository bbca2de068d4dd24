import type { Problems } from "./problem.ts";
import type { SourceEntry, SourceNode, SourceValue } from "./source-tree.ts";
import { keyPath } from "./source-tree.ts";

/** Variables by name, as in `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

const PREFIX = "os.environ/";
const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Reads variables, and remembers which were asked for. */
export class Variables {
  readonly #environment: Environment;
  readonly #overrides: ReadonlyMap<string, string>;
  readonly #used = new Set<string>();

  constructor(environment: Environment, overrides: ReadonlyMap<string, string> = new Map()) {
    this.#environment = environment;
    this.#overrides = overrides;
  }

  /** Undefined when the variable is missing or empty. */
  get(name: string): string | undefined {
    this.#used.add(name);
    const value = this.#overrides.get(name) ?? this.#environment[name];
    return value === "" ? undefined : value;
  }

  used(name: string): boolean {
    return this.#used.has(name);
  }
}

/** `NAME` of `os.environ/NAME`. */
export function referencedVariable(value: unknown): string | undefined {
  if (typeof value !== "string" || !value.startsWith(PREFIX)) return undefined;
  const name = value.slice(PREFIX.length);
  return NAME.test(name) ? name : undefined;
}

/** The tree with every `os.environ/NAME` replaced by the variable's text. Only whole values are references. */
export function resolveReferences(
  node: SourceNode,
  path: string,
  variables: Variables,
  problems: Problems,
): SourceNode {
  if (node.kind === "value") return resolveValue(node, path, variables, problems);
  if (node.kind === "list") {
    const items = node.items.map((item, index) => resolveReferences(item, `${path}[${index}]`, variables, problems));
    return { ...node, items };
  }
  const entries = new Map<string, SourceEntry>();
  for (const [key, entry] of node.entries) {
    const value = resolveReferences(entry.value, keyPath(path, key), variables, problems);
    entries.set(key, { ...entry, value });
  }
  return { ...node, entries };
}

function resolveValue(node: SourceValue, path: string, variables: Variables, problems: Problems): SourceNode {
  if (typeof node.value !== "string" || !node.value.includes(PREFIX)) return node;
  const name = referencedVariable(node.value);
  if (name === undefined) {
    problems.add(node.place, path, `a reference is the whole value: ${PREFIX}NAME`);
    return { ...node, value: null, unresolved: true };
  }
  const value = variables.get(name);
  if (value === undefined) {
    problems.add(node.place, path, `the environment variable ${name} is not set or empty`, "set it before the start");
    return { ...node, value: null, unresolved: true };
  }
  return { ...node, value, variable: name };
}
