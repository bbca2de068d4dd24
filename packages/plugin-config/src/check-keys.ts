import type { z } from "zod";
import { didYouMean, nearest } from "@signalbox/kernel";
import { CONFIG_KEYS } from "./catalogue/config-keys.ts";
import type { LaterKey, RefusedKey, SupportedKey } from "./catalogue/key.ts";
import type { Variables } from "./environment.ts";
import { resolveReferences } from "./environment.ts";
import type { KeyNode } from "./key-tree.ts";
import { keyTree } from "./key-tree.ts";
import type { Problems } from "./problem.ts";
import type { SourceEntry, SourceMap, SourceNode } from "./source-tree.ts";
import { describeNode, keyPath, nodeAt, plain } from "./source-tree.ts";

/**
 * Compares a configuration with the catalogue and reads the values of supported keys: plain data of the same shape,
 * with references to environment variables filled in. What is wrong is reported and left out.
 */
export function checkKeys(root: SourceMap, variables: Variables, problems: Problems): Record<string, unknown> {
  return new KeyCheck(variables, problems).map(root, keyTree(CONFIG_KEYS), "", false);
}

class KeyCheck {
  readonly #variables: Variables;
  readonly #problems: Problems;

  constructor(variables: Variables, problems: Problems) {
    this.#variables = variables;
    this.#problems = problems;
  }

  /** `covered`: a key above has been reported already, so that only unknown keys are worth another line. */
  map(node: SourceMap, known: KeyNode, path: string, covered: boolean): Record<string, unknown> {
    const values: Record<string, unknown> = {};
    for (const [name, entry] of node.entries) {
      const at = keyPath(path, name);
      const child = known.children.get(name) ?? known.any;
      if (child === undefined) this.#unknown(name, entry, known, at);
      else {
        const value = this.#entry(entry, child, at, covered);
        if (value !== undefined) values[name] = value;
      }
    }
    return values;
  }

  #entry(entry: SourceEntry, known: KeyNode, path: string, covered: boolean): unknown {
    const { key } = known;
    const below = covered || (key !== undefined && key.status !== "supported");
    const members = known.children.size > 0 || known.any !== undefined;
    // Some keys take a plain value, or a map with more to say.
    if (key?.status === "supported" && !(members && entry.value.kind === "map")) {
      return covered ? undefined : this.#value(key, entry.value, path);
    }
    if (key !== undefined && key.status !== "supported" && !covered) this.#unavailable(key, entry, path);
    const { value } = entry;
    // A section without content, as in a file where every line of it is commented out.
    if (value.kind === "value" && value.value === null) return undefined;
    if (known.entry !== undefined) return this.#list(value, known.entry, path, below);
    if (!members) return undefined;
    if (value.kind === "map") return this.map(value, known, path, below);
    if (!below) this.#problems.add(value.place, path, `must be a map of keys, not ${describeNode(value)}`);
    return undefined;
  }

  #list(node: SourceNode, known: KeyNode, path: string, covered: boolean): unknown {
    if (node.kind !== "list") {
      if (!covered) this.#problems.add(node.place, path, `must be a list, not ${describeNode(node)}`);
      return undefined;
    }
    return node.items.map((item, index) => {
      const at = `${path}[${index}]`;
      if (item.kind === "map") return this.map(item, known, at, covered);
      if (!covered) this.#problems.add(item.place, at, `must be a map of keys, not ${describeNode(item)}`);
      return undefined;
    });
  }

  #value(key: SupportedKey, node: SourceNode, path: string): unknown {
    const before = this.#problems.count;
    const resolved = resolveReferences(node, path, this.#variables, this.#problems);
    if (this.#problems.count > before) return undefined;
    const written = plain(resolved);
    let read = key.value.safeParse(written);
    if (!read.success && resolved.kind === "value" && resolved.variable !== undefined) {
      // A variable is always text; where a number or a flag is wanted, it is read as one.
      const typed = key.value.safeParse(scalar(String(written)));
      if (typed.success) read = typed;
    }
    if (read.success) return read.data;
    for (const issue of read.error.issues) this.#invalid(issue, resolved, path, key);
    return undefined;
  }

  #invalid(issue: z.core.$ZodIssue, root: SourceNode, path: string, key: SupportedKey): void {
    const node = nodeAt(root, issue.path);
    let at = path;
    for (const step of issue.path) at = typeof step === "number" ? `${at}[${step}]` : keyPath(at, String(step));
    const secret = /key|header|variable/.test(key.path);
    const shown = issue.code !== "invalid_type" || secret ? "" : `, not ${describeNode(node)}`;
    // A record reports a bad name as an issue that wraps the name's own.
    const message = issue.code === "invalid_key" ? (issue.issues[0]?.message ?? issue.message) : issue.message;
    this.#problems.add(node.place, at, `${message}${shown}`);
  }

  #unavailable(key: LaterKey | RefusedKey, entry: SourceEntry, path: string): void {
    if (key.status === "refused") this.#problems.add(entry.place, path, "is not a key of Signalbox", key.hint);
    else {
      const message = `needs the plugin ${JSON.stringify(key.plugin)}, which this gateway does not have`;
      this.#problems.add(entry.place, path, message, "remove the key, or add the plugin");
    }
  }

  #unknown(name: string, entry: SourceEntry, known: KeyNode, path: string): void {
    const near = didYouMean(name, known.children.keys()).trim();
    const hint = near === "" ? elsewhere(name) : near;
    this.#problems.add(entry.place, path, "unknown key", hint);
  }
}

/** Where a key belongs that stands in the wrong section, or was misspelt there. */
function elsewhere(name: string): string | undefined {
  const rows = CONFIG_KEYS.map(({ path }) => ({ path, word: path.slice(path.lastIndexOf(".") + 1) }));
  const [word] = nearest(name, new Set(rows.map((row) => row.word)), 1);
  const row = rows.find((one) => one.word === word);
  return row === undefined ? undefined : `Did you mean ${JSON.stringify(row.path)}?`;
}

function scalar(value: string): unknown {
  if (value === "true" || value === "false") return value === "true";
  return /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : value;
}
