import type { IncomingHttpHeaders } from "node:http";
import type { Dialect, Route } from "@signalbox/kernel";
import { GatewayError } from "@signalbox/kernel";

export type Params = Readonly<Record<string, string>>;

/** A route and the dialect that speaks to its clients. */
export interface RouteEntry {
  readonly route: Route;
  readonly dialect: Dialect | undefined;
}

/** All routes of one path. */
export interface PathEntry {
  readonly path: string;
  readonly methods: ReadonlyMap<string, readonly RouteEntry[]>;
  /** Speaks when no route was chosen. */
  readonly dialect: Dialect | undefined;
}

export interface PathMatch {
  readonly entry: PathEntry;
  readonly params: Params;
}

interface Pattern {
  readonly expression: RegExp;
  readonly names: readonly string[];
  readonly entry: PathEntry;
}

export const NO_PARAMS: Params = Object.freeze({});
const PARAM = /^:([A-Za-z_]\w*)(\+?)/;

/**
 * Finds routes by path. Compiled once: a fixed path costs one lookup, a path with parameters one linear expression for
 * each pattern.
 *
 * A segment of a pattern may begin with a parameter: `:model` takes one segment, or the part of it before the text
 * that follows (`:model:generateContent`); `:model+` takes one or more segments.
 */
export class RouteTable {
  readonly #fixed: ReadonlyMap<string, PathMatch>;
  readonly #patterns: readonly Pattern[];
  readonly #prefixes: readonly { readonly segments: readonly string[]; readonly dialect: Dialect }[];
  readonly #fallback: Dialect | undefined;

  /** @param fallback speaks where no dialect is closer */
  constructor(entries: readonly RouteEntry[], fallback: Dialect | undefined) {
    this.#fallback = fallback;
    const fixed = new Map<string, PathMatch>();
    const patterns: Pattern[] = [];
    for (const entry of groupByPath(entries, fallback)) {
      if (entry.path.includes("/:")) patterns.push(compile(entry));
      else fixed.set(entry.path, { entry, params: NO_PARAMS });
    }
    this.#fixed = fixed;
    this.#patterns = patterns;
    this.#prefixes = entries.flatMap(({ route, dialect }) =>
      dialect === undefined ? [] : [{ segments: route.path.split("/").slice(1), dialect }],
    );
  }

  /**
   * Undefined when no route has this path.
   * @throws {GatewayError} `invalid_request` for a parameter with broken percent-encoding
   */
  find(path: string): PathMatch | undefined {
    const match = this.#fixed.get(path);
    if (match !== undefined) return match;
    for (const { expression, names, entry } of this.#patterns) {
      const found = expression.exec(path);
      if (found === null) continue;
      const params: Record<string, string> = Object.create(null) as Record<string, string>;
      for (const [index, name] of names.entries()) params[name] = decoded(found[index + 1] ?? "");
      return { entry, params };
    }
    return undefined;
  }

  /** The dialect whose routes share the most leading segments with a path that is nobody's. */
  closest(path: string): Dialect | undefined {
    const segments = path.split("/").slice(1);
    let best = this.#fallback;
    let bestShared = this.#fallback === undefined ? -1 : this.#shared(segments, this.#fallback);
    for (const { segments: own, dialect } of this.#prefixes) {
      const shared = sharedSegments(segments, own);
      if (shared > bestShared) {
        best = dialect;
        bestShared = shared;
      }
    }
    return best;
  }

  #shared(segments: readonly string[], dialect: Dialect): number {
    let most = 0;
    for (const row of this.#prefixes) {
      if (row.dialect === dialect) most = Math.max(most, sharedSegments(segments, row.segments));
    }
    return most;
  }
}

/** The route of a path for a method; undefined when the method is not served. HEAD is answered by GET. */
export function selectRoute(entry: PathEntry, method: string, headers: IncomingHttpHeaders): RouteEntry | undefined {
  const entries = entry.methods.get(method) ?? (method === "HEAD" ? entry.methods.get("GET") : undefined);
  if (entries === undefined) return undefined;
  for (const candidate of entries) {
    const { route } = candidate;
    if (route.kind === "call" || route.when === undefined || route.when(headers)) return candidate;
  }
  return undefined;
}

function groupByPath(entries: readonly RouteEntry[], fallback: Dialect | undefined): readonly PathEntry[] {
  const paths = new Map<string, Map<string, RouteEntry[]>>();
  for (const entry of entries) {
    const { path, method } = entry.route;
    const methods = paths.get(path) ?? new Map<string, RouteEntry[]>();
    paths.set(path, methods);
    methods.set(method, [...(methods.get(method) ?? []), entry]);
  }
  return [...paths].map(([path, methods]) => {
    // routes that ask about headers come before the one that takes the rest
    for (const [method, candidates] of methods) {
      methods.set(method, [
        ...candidates.filter(isConditional),
        ...candidates.filter((entry) => !isConditional(entry)),
      ]);
    }
    // a route that asks about headers speaks for few clients
    const dialects = [...methods.values()]
      .flat()
      .sort((one, other) => Number(isConditional(one)) - Number(isConditional(other)))
      .map(({ dialect }) => dialect);
    return { path, methods, dialect: dialects.includes(fallback) ? fallback : dialects[0] };
  });
}

function isConditional({ route }: RouteEntry): boolean {
  return route.kind === "resource" && route.when !== undefined;
}

function compile(entry: PathEntry): Pattern {
  const names: string[] = [];
  const source = entry.path
    .split("/")
    .map((segment) => {
      const param = PARAM.exec(segment);
      if (param === null) return literal(segment);
      names.push(param[1] ?? "");
      return (param[2] === "+" ? "(.+)" : "([^/]+)") + literal(segment.slice(param[0].length));
    })
    .join("/");
  return { expression: new RegExp(`^${source}$`), names, entry };
}

function literal(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}

function decoded(text: string): string {
  if (!text.includes("%")) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    throw new GatewayError("invalid_request", "the request path holds broken percent-encoding");
  }
}

function sharedSegments(one: readonly string[], other: readonly string[]): number {
  let shared = 0;
  while (shared < one.length && shared < other.length && one[shared] === other[shared]) shared++;
  return shared;
}
