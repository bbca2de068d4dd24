import type { Place } from "./problem.ts";

/**
 * A configuration as it was written: every key and value knows its place, also after several files were merged.
 * Plain data, independent of the YAML library.
 */
export type SourceNode = SourceMap | SourceList | SourceValue;

export interface SourceMap {
  readonly kind: "map";
  readonly place: Place;
  readonly entries: ReadonlyMap<string, SourceEntry>;
}

export interface SourceEntry {
  /** Where the key stands. */
  readonly place: Place;
  readonly value: SourceNode;
}

export interface SourceList {
  readonly kind: "list";
  readonly place: Place;
  readonly items: readonly SourceNode[];
}

export interface SourceValue {
  readonly kind: "value";
  readonly place: Place;
  readonly value: string | number | boolean | null;
  /** The environment variable that the value came from: then it may be a secret. */
  readonly variable?: string;
  /** The variable could not be read, which has been reported: no further check makes sense. */
  readonly unresolved?: boolean;
}

/** `a.b`, and `["a b"]` for keys that are not plain words. */
export function keyPath(parent: string, key: string): string {
  if (!/^[\w*/:.-]+$/.test(key)) return `${parent}[${JSON.stringify(key)}]`;
  return parent === "" ? key : `${parent}.${key}`;
}

/** What a node is, in words for a message; values only where they cannot be secret. */
export function describeNode(node: SourceNode): string {
  if (node.kind === "map") return "a map";
  if (node.kind === "list") return "a list";
  if (node.variable !== undefined) return `the text in ${node.variable}`;
  if (node.value === null) return "nothing";
  if (typeof node.value === "string") return `the text ${JSON.stringify(node.value.slice(0, 60))}`;
  return String(node.value);
}

/** The node as plain data. */
export function plain(node: SourceNode): unknown {
  if (node.kind === "value") return node.value;
  if (node.kind === "list") return node.items.map(plain);
  return Object.fromEntries([...node.entries].map(([key, entry]) => [key, plain(entry.value)]));
}

/** Follows a path of keys and positions as far as the tree goes. */
export function nodeAt(node: SourceNode, path: readonly PropertyKey[]): SourceNode {
  let at = node;
  for (const step of path) {
    const next =
      at.kind === "map" ? at.entries.get(String(step))?.value : at.kind === "list" ? at.items[Number(step)] : undefined;
    if (next === undefined) return at;
    at = next;
  }
  return at;
}
