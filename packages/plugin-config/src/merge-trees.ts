import type { Place, Problems } from "./problem.ts";
import type { SourceEntry, SourceMap, SourceNode } from "./source-tree.ts";
import { describeNode, keyPath } from "./source-tree.ts";

/**
 * Two files as one: maps merge, lists append, and a value that both give is a problem, since neither file says which
 * of them should win.
 */
export function mergeTrees(base: SourceMap, other: SourceMap, problems: Problems, path: string = ""): SourceMap {
  const entries = new Map<string, SourceEntry>(base.entries);
  for (const [key, entry] of other.entries) {
    const before = entries.get(key);
    const merged = before === undefined ? entry : mergeEntries(before, entry, problems, keyPath(path, key));
    entries.set(key, merged);
  }
  return { ...base, entries };
}

function mergeEntries(base: SourceEntry, other: SourceEntry, problems: Problems, path: string): SourceEntry {
  const one: SourceNode = base.value;
  const two: SourceNode = other.value;
  if (one.kind === "map" && two.kind === "map") return { ...base, value: mergeTrees(one, two, problems, path) };
  if (one.kind === "list" && two.kind === "list") {
    return { ...base, value: { ...one, items: [...one.items, ...two.items] } };
  }
  if (one.kind !== two.kind) {
    const what = `is ${kindOf(two)} here and ${kindOf(one)} in ${placeText(base.place)}`;
    problems.add(other.place, path, what, "files that are merged must agree");
  } else {
    problems.add(other.place, path, `is also given in ${placeText(base.place)}`, "keep one of the two");
  }
  return base;
}

function kindOf(node: SourceNode): string {
  return node.kind === "value" ? "a single value" : describeNode(node);
}

function placeText({ file, line }: Place): string {
  return `${file}:${line}`;
}
