import type { ConfigKey } from "./catalogue/key.ts";

/** The catalogue as a tree: what may stand below a key. */
export interface KeyNode {
  readonly key: ConfigKey | undefined;
  /** Below a map. */
  readonly children: ReadonlyMap<string, KeyNode>;
  /** Below a map whose keys are names of the operator's own. */
  readonly any: KeyNode | undefined;
  /** Entries of a list. */
  readonly entry: KeyNode | undefined;
}

interface OpenNode {
  key: ConfigKey | undefined;
  readonly children: Map<string, OpenNode>;
  any: OpenNode | undefined;
  entry: OpenNode | undefined;
}

const open = (): OpenNode => ({ key: undefined, children: new Map(), any: undefined, entry: undefined });

/** Builds the tree. @throws {Error} when a path is there twice */
export function keyTree(keys: readonly ConfigKey[]): KeyNode {
  const root = open();
  for (const key of keys) {
    let node = root;
    for (const word of key.path.split(".")) {
      const child = childOf(node, word.replace(/\[\]$/, ""));
      node = word.endsWith("[]") ? entryOf(child) : child;
    }
    if (node.key !== undefined) throw new Error(`the catalogue has ${key.path} twice`);
    node.key = key;
  }
  return root;
}

function childOf(node: OpenNode, name: string): OpenNode {
  if (name === "*") {
    node.any ??= open();
    return node.any;
  }
  const child = node.children.get(name) ?? open();
  node.children.set(name, child);
  return child;
}

function entryOf(node: OpenNode): OpenNode {
  node.entry ??= open();
  return node.entry;
}
