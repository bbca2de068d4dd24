import { dirname, relative, resolve } from "node:path";
import { mergeTrees } from "./merge-trees.ts";
import { parseYaml } from "./parse-yaml.ts";
import type { Place, Problems } from "./problem.ts";
import { readConfigFile } from "./read-file.ts";
import type { SourceMap } from "./source-tree.ts";
import { describeNode } from "./source-tree.ts";

export interface LoadedTree {
  /** Undefined when nothing could be read; the problems say why. */
  readonly root: SourceMap | undefined;
  /** Every file that was read, the main one first. */
  readonly files: readonly string[];
}

/** Reads a file and everything it includes. */
export function loadTree(file: string, problems: Problems): LoadedTree {
  const files: string[] = [];
  const root = readTree(resolve(file), file, undefined, { files, open: [], problems });
  return { root, files };
}

/** The tree of a text that is not in a file. */
export function textTree(text: string, name: string, problems: Problems): LoadedTree {
  const root = parseYaml(text, name, problems);
  const include = root?.entries.get("include");
  if (include !== undefined) {
    problems.add(include.place, "include", "a configuration that is not a file cannot include files");
  }
  return { root, files: [] };
}

interface Reading {
  readonly files: string[];
  /** Files that are being read: the way from the main file to this one. */
  readonly open: readonly string[];
  readonly problems: Problems;
}

function readTree(
  path: string,
  name: string,
  includedAt: { readonly place: Place; readonly key: string } | undefined,
  reading: Reading,
): SourceMap | undefined {
  const { files, open, problems } = reading;
  const report = (message: string): undefined => {
    const place = includedAt?.place ?? { file: name, line: 1, column: 1 };
    problems.add(place, includedAt?.key ?? "", includedAt === undefined ? `the file ${message}` : `${name} ${message}`);
    return undefined;
  };
  let real: string;
  let text: string;
  try {
    ({ path: real, text } = readConfigFile(path, includedAt !== undefined));
  } catch (error) {
    return report((error as Error).message);
  }
  if (open.includes(real)) return report("includes itself, directly or through another file");
  if (files.includes(real)) return report("is included twice");
  files.push(real);
  const root = parseYaml(text, name, problems);
  if (root === undefined) return undefined;
  let merged: SourceMap = { ...root, entries: new Map([...root.entries].filter(([key]) => key !== "include")) };
  for (const { target, place, key } of includes(root, problems)) {
    const targetPath = resolve(dirname(real), target);
    const targetName = relative(process.cwd(), resolve(dirname(name), target)) || target;
    const below: Reading = { ...reading, open: [...open, real] };
    const other = readTree(targetPath, targetName, { place, key }, below);
    if (other !== undefined) merged = mergeTrees(merged, other, problems);
  }
  return merged;
}

function includes(
  root: SourceMap,
  problems: Problems,
): readonly { readonly target: string; readonly place: Place; readonly key: string }[] {
  const node = root.entries.get("include")?.value;
  if (node === undefined) return [];
  if (node.kind !== "list") {
    problems.add(node.place, "include", `must be a list of file names, not ${describeNode(node)}`);
    return [];
  }
  return node.items.flatMap((item, index) => {
    const key = `include[${index}]`;
    if (item.kind === "value" && typeof item.value === "string" && !/^(\w+:\/\/|os\.environ\/)/.test(item.value)) {
      return [{ target: item.value, place: item.place, key }];
    }
    problems.add(item.place, key, `must be the name of a file, not ${describeNode(item)}`);
    return [];
  });
}
