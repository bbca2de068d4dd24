import { globSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";

export const ROOT: string = join(import.meta.dirname, "..", "..");

export interface SourceFile {
  /** From the root, with slashes: `packages/kernel/src/call.ts`. */
  readonly path: string;
  readonly text: string;
}

export interface Package {
  readonly folder: string;
  readonly name: string;
  readonly manifest: Readonly<Record<string, unknown>>;
  readonly sources: readonly SourceFile[];
}

export function read(path: string): string {
  return readFileSync(join(ROOT, path), "utf8");
}

export function files(pattern: string): readonly string[] {
  return globSync(pattern, { cwd: ROOT, exclude: (path) => /(^|\/)(node_modules|dist)(\/|$)/.test(path) })
    .map((path) => path.replaceAll("\\", "/"))
    .sort();
}

export const PACKAGES: readonly Package[] = files("packages/*/package.json").map((path) => {
  const folder = path.slice(0, -"/package.json".length);
  const manifest = JSON.parse(read(path)) as Record<string, unknown>;
  return {
    folder,
    name: basename(folder),
    manifest,
    sources: files(`${folder}/src/**/*.ts`).map((source) => ({ path: source, text: read(source) })),
  };
});

/** Text with comments and string contents blanked, so that rules about code do not trip over prose. */
export function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\//g, "").replaceAll(/(^|[^:"'`])\/\/[^\n]*/g, "$1");
}

/** Modules a file imports or re-exports, as written; `type` for those that exist only while checking. */
export function importsOf(text: string): readonly { readonly from: string; readonly type: boolean }[] {
  const found: { from: string; type: boolean }[] = [];
  const statement = /^(import|export)\s+(type\s+)?(?:[^;"']*?\sfrom\s+)?"([^"]+)"/gm;
  for (const match of withoutComments(text).matchAll(statement)) {
    found.push({ from: match[3] as string, type: match[2] !== undefined });
  }
  for (const match of withoutComments(text).matchAll(/\bimport\("([^"]+)"\)/g)) {
    found.push({ from: match[1] as string, type: false });
  }
  return found;
}
