import { posix } from "node:path";
import { describe, expect, it } from "vitest";
import { PACKAGES, read, withoutComments } from "./workspace.ts";

/** Names that a file exports from others, by the file they stand in. */
function reexports(path: string): readonly { readonly name: string; readonly from: string }[] {
  const lists = withoutComments(read(path)).matchAll(/export (?:type )?\{([^}]*)\} from "(\.[^"]+)"/g);
  return [...lists].flatMap(([, names = "", from = ""]) =>
    names
      .split(",")
      .map((name) => name.trim().split(" as ")[0] ?? "")
      .filter((name) => name !== "")
      .map((name) => ({ name, from: posix.join(posix.dirname(path), from) })),
  );
}

/** The line of a declaration's `export`, and the last line before it that is no instruction to a linter. */
function declaration(name: string, lines: readonly string[]): { readonly before: string } | undefined {
  const kinds = "(?:(?:async )?function\\*?|class|interface|type|(?:declare )?const)";
  const pattern = new RegExp(`^export (?:declare |abstract )?${kinds} ${name}\\b`);
  const index = lines.findIndex((line) => pattern.test(line));
  if (index === -1) return undefined;
  return { before: lines.slice(0, index).findLast((line) => !line.startsWith("//")) ?? "" };
}

/** `path: name` of every name without a doc comment, looked up where it is declared. */
function undocumented(path: string, name: string): readonly string[] {
  const found = declaration(name, read(path).split("\n"));
  if (found !== undefined) return found.before.trimEnd().endsWith("*/") ? [] : [`${path}: ${name}`];
  const further = reexports(path).find((one) => one.name === name);
  return further === undefined ? [`${path}: ${name} is not declared here`] : undocumented(further.from, name);
}

describe("what a package exports has a doc comment", () => {
  for (const { folder, name, manifest } of PACKAGES) {
    for (const [entry, conditions] of Object.entries(manifest.exports as Record<string, Record<string, string>>)) {
      it(posix.join(`@signalbox/${name}`, entry), () => {
        const names = reexports(posix.join(folder, conditions["@signalbox/source"] as string));
        expect(names).not.toEqual([]);
        expect(names.flatMap((one) => undocumented(one.from, one.name))).toEqual([]);
      });
    }
  }
});
