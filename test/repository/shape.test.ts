import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { files, PACKAGES, ROOT, read, withoutComments } from "./workspace.ts";

const LONGEST_FILE = 400;

/** Tables of facts may be long: splitting them would hide nothing. */
const DATA = /\/(hosts|catalogue|capabilities)[^/]*(\/|\.ts$)/;

function offenders(pattern: RegExp): readonly string[] {
  return PACKAGES.flatMap(({ sources }) =>
    sources.flatMap(({ path, text }) => {
      const lines = withoutComments(text).split("\n");
      return lines.flatMap((line) => (pattern.test(line) ? [`${path}: ${line.trim()}`] : []));
    }),
  );
}

describe("every package", () => {
  for (const { name, folder, manifest } of PACKAGES) {
    describe(name, () => {
      it("holds facts, not scripts", () => {
        expect(manifest).toMatchObject({
          name: `@signalbox/${name}`,
          license: "Apache-2.0",
          type: "module",
          engines: { node: ">=22.19" },
        });
        expect(manifest).not.toHaveProperty("scripts");
        expect(manifest).not.toHaveProperty("devDependencies");
      });

      it("exports source, types and build for every entry", () => {
        const entries = Object.entries(manifest.exports as Record<string, Record<string, string>>);
        for (const [entry, conditions] of entries) {
          expect(Object.keys(conditions), entry).toEqual(["@signalbox/source", "types", "default"]);
          expect(existsSync(join(ROOT, folder, conditions["@signalbox/source"] as string)), entry).toBe(true);
        }
      });

      it("has a README with a runnable example, at most 100 lines, and tests", () => {
        const readme = read(`${folder}/README.md`);
        expect(readme.split("\n").length).toBeLessThanOrEqual(100);
        expect(readme).toMatch(/^# @signalbox\//);
        expect(readme).toContain("```ts");
        expect(files(`${folder}/test/**/*.test.ts`).length).toBeGreaterThan(0);
      });

      it("lists its exports by name", () => {
        const indexes = files(`${folder}/src/**/index.ts`);
        expect(indexes.length).toBeGreaterThan(0);
        for (const index of indexes) expect(withoutComments(read(index)), index).not.toMatch(/export \*/);
      });
    });
  }
});

describe("every vendor's provider", () => {
  const recipes: Readonly<Record<string, readonly string[]>> = {
    "provider-openai": ["index", "openai", "chat", "chat-request", "chat-events", "schemas", "errors", "capabilities"],
    "provider-anthropic": [
      "index",
      "anthropic",
      "chat",
      "chat-request",
      "chat-events",
      "schemas",
      "errors",
      "capabilities",
    ],
  };
  for (const [name, recipe] of Object.entries(recipes)) {
    it(`${name} has the recipe's files`, () => {
      const present = files(`packages/${name}/src/*.ts`).map((path) => path.split("/").at(-1)?.slice(0, -3));
      expect(present).toEqual(expect.arrayContaining([...recipe]));
      expect(files(`packages/${name}/fixtures/**/*`).length).toBeGreaterThan(0);
    });
  }
});

describe("all sources", () => {
  it("keep to one idea a file", () => {
    const long = PACKAGES.flatMap(({ sources }) =>
      sources
        .filter(({ path, text }) => !DATA.test(path) && text.split("\n").length > LONGEST_FILE)
        .map(({ path, text }) => `${path}: ${text.split("\n").length} lines`),
    );
    expect(long).toEqual([]);
  });

  it("hold no mutable state at module level", () => {
    expect(offenders(/^(export )?let /)).toEqual([]);
    const collections = offenders(/^(export )?const \w+(: [^=]+)? = new (Map|Set|WeakMap|WeakSet|Array)\b/);
    expect(collections.filter((line) => !/: Readonly(Map|Set)</.test(line))).toEqual([]);
    const empty = offenders(/^(export )?const \w+(: [^=]+)? = (\[\]|\{\});/);
    // A named type is a readonly interface; arrays and records must say it.
    expect(empty.filter((line) => !/: (readonly |(?!Record<)[A-Z]\w*)/.test(line))).toEqual([]);
  });

  it("read no environment and print nothing: that is the application's part", () => {
    expect(offenders(/\bprocess\.env\b/)).toEqual([]);
    // A server's last resort is its error stream: a bug must not vanish.
    expect(
      offenders(/\bconsole\.\w+\(/).filter((line) => !/^packages\/express\/.*console\.error\(/.test(line)),
    ).toEqual([]);
  });

  it("use no fetch, no default exports, no any, no decorators", () => {
    expect(offenders(/(?<![\w.])fetch\(/)).toEqual([]);
    expect(offenders(/^export default /)).toEqual([]);
    expect(offenders(/(:|<|as) any\b/)).toEqual([]);
    expect(offenders(/^\s*@\w+\(/)).toEqual([]);
  });

  it("leave nothing for later", () => {
    const marks = PACKAGES.flatMap(({ sources }) =>
      sources.flatMap(({ path, text }) => (/\b(TODO|FIXME|XXX|HACK)\b/.test(text) ? [path] : [])),
    );
    expect(marks).toEqual([]);
  });
});

describe("the repository", () => {
  it("has no install scripts of its own", () => {
    const manifests = ["package.json", ...files("{packages,examples}/*/package.json")];
    const hooked = manifests.filter((path) =>
      /"(pre|post)?install"|"prepare"/.test(JSON.stringify(JSON.parse(read(path)).scripts ?? {})),
    );
    expect(hooked).toEqual([]);
  });

  it("records no addresses in its lockfile", () => {
    expect(read("package-lock.json")).not.toMatch(/"resolved": "http/);
  });
});
