import type { Document, Node, Pair, YAMLMap } from "yaml";
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument } from "yaml";
import type { Place, Problems } from "./problem.ts";
import type { SourceEntry, SourceMap, SourceNode } from "./source-tree.ts";
import { keyPath } from "./source-tree.ts";

const MAX_DEPTH = 32;
/** Aliases multiply what a file holds; real configurations stay far below this. */
const MAX_NODES = 200_000;

const FORBIDDEN_KEYS: readonly string[] = ["__proto__", "constructor", "prototype"];

/**
 * The text of one file as a tree with places. YAML 1.2 with merge keys (`<<`); duplicate keys, several documents and
 * unknown tags are problems. Undefined when the text is not YAML or not a map: the problems say why.
 */
export function parseYaml(text: string, file: string, problems: Problems): SourceMap | undefined {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, merge: true, prettyErrors: false, strict: true });
  const placeAt = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  let broken = false;
  for (const error of [...document.errors, ...document.warnings]) {
    // Duplicate keys are reported by the conversion below, with their path.
    if (error.code === "DUPLICATE_KEY") continue;
    broken = true;
    problems.add(placeAt(error.pos[0]), "", syntaxMessage(error.code, error.message));
  }
  if (broken) return undefined;
  const start: Place = { file, line: 1, column: 1 };
  if (document.contents === null) {
    problems.add(start, "", "the file is empty", "it must be a map with keys such as model_list");
    return undefined;
  }
  const node = new Converter(document, placeAt, problems).convert(document.contents, "", 0);
  if (node === undefined) return undefined;
  if (node.kind !== "map") {
    problems.add(node.place, "", "the file must be a map with keys such as model_list");
    return undefined;
  }
  return node;
}

function syntaxMessage(code: string, message: string): string {
  if (code === "MULTIPLE_DOCS") return "the file holds several YAML documents; keep one";
  if (code === "TAB_AS_INDENT") return "a tab is used for indentation; use spaces";
  return `not valid YAML: ${message.charAt(0).toLowerCase()}${message.slice(1)}`;
}

class Converter {
  readonly #document: Document;
  readonly #placeAt: (offset: number) => Place;
  readonly #problems: Problems;
  #nodes = 0;

  constructor(document: Document, placeAt: (offset: number) => Place, problems: Problems) {
    this.#document = document;
    this.#placeAt = placeAt;
    this.#problems = problems;
  }

  /** Undefined when the tree is too deep or too large, which is reported. */
  convert(node: Node | null, path: string, depth: number, fallback?: Place): SourceNode | undefined {
    const place = node?.range ? this.#placeAt(node.range[0]) : (fallback ?? this.#placeAt(0));
    this.#nodes += 1;
    if (depth > MAX_DEPTH || this.#nodes > MAX_NODES) {
      // Once is enough: the limit is passed on every way up.
      if (this.#nodes <= MAX_NODES + 1)
        this.#problems.add(place, path, "nested too deeply, or an alias that repeats itself");
      this.#nodes = MAX_NODES + 2;
      return undefined;
    }
    if (isAlias(node)) {
      const target = node.resolve(this.#document);
      if (target !== undefined) return this.convert(target, path, depth + 1, place);
      this.#problems.add(place, path, `the anchor ${JSON.stringify(node.source)} is not defined above`);
      return undefined;
    }
    if (isMap(node)) return this.#map(node as YAMLMap<Node, Node | null>, path, depth, place);
    if (isSeq(node)) {
      const items: SourceNode[] = [];
      for (const [index, item] of node.items.entries()) {
        const converted = this.convert(item as Node | null, `${path}[${index}]`, depth + 1, place);
        if (converted !== undefined) items.push(converted);
      }
      return { kind: "list", place, items };
    }
    const value = isScalar(node) ? node.value : null;
    if (value === undefined || value === null) return { kind: "value", place, value: null };
    if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") {
      return { kind: "value", place, value };
    }
    return { kind: "value", place, value: String(value) };
  }

  #map(map: YAMLMap<Node, Node | null>, path: string, depth: number, place: Place): SourceMap {
    const entries = new Map<string, SourceEntry>();
    const merged: SourceMap[] = [];
    for (const pair of map.items) {
      const at = pair.key.range ? this.#placeAt(pair.key.range[0]) : place;
      const key = keyText(pair);
      if (key === undefined) {
        this.#problems.add(at, path, "a key must be a word");
        continue;
      }
      const child = keyPath(path, key);
      if (FORBIDDEN_KEYS.includes(key)) {
        this.#problems.add(at, child, "this word cannot be a key");
        continue;
      }
      const value = this.convert(pair.value, key === "<<" ? path : child, depth + 1, at);
      if (value === undefined) continue;
      if (key === "<<") {
        for (const source of value.kind === "list" ? value.items : [value]) {
          if (source.kind === "map") merged.push(source);
          else this.#problems.add(at, path, "<< takes a map, or a list of maps");
        }
      } else if (entries.has(key)) {
        const first = entries.get(key)?.place.line;
        this.#problems.add(at, child, `the key is given twice (first in line ${first})`, "keep one of the two");
      } else entries.set(key, { place: at, value });
    }
    for (const source of merged)
      for (const [key, entry] of source.entries) if (!entries.has(key)) entries.set(key, entry);
    return { kind: "map", place, entries };
  }
}

/** Keys are words: `4.1:` is the key "4.1", as it was written. */
function keyText(pair: Pair<Node, Node | null>): string | undefined {
  const { key } = pair;
  if (!isScalar(key)) return undefined;
  if (typeof key.value === "string") return key.value;
  if (typeof key.value === "symbol") return "<<";
  return key.source ?? (key.value === null ? undefined : String(key.value));
}
