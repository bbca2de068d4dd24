import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isMap, isScalar, LineCounter, parseDocument, visit } from "yaml";
import { loadConfig } from "@signalbox/plugin-config";
import { KEYS, load, problemsOf, vendors } from "./support/vendors.ts";

// One wrong letter in any key of a good file stops the start, at the right place and with the right suggestion.

const FIXTURES = ["small.yaml", "routing.yaml"];
/** Keys that are names of models and the like: any word is right there, or the name is looked up. */
const NAMES = ["writer", "coder", "local", "opus", "mixed", "pictures"];

const textOf = (file: string): string => readFileSync(new URL(`./fixtures/${file}`, import.meta.url), "utf8");
const env = { ...KEYS, GATEWAY_KEY: "k-3f81c07ae52b4d96" };

interface Key {
  readonly name: string;
  readonly start: number;
  readonly end: number;
  readonly siblings: readonly string[];
}

function keysOf(source: string): readonly Key[] {
  const keys: Key[] = [];
  visit(parseDocument(source), {
    Pair(_, pair, path) {
      const parent = path.at(-1);
      if (!isScalar(pair.key) || !pair.key.range || !isMap(parent)) return;
      const siblings = parent.items.map((item) => String(item.key));
      keys.push({ name: String(pair.key.value), start: pair.key.range[0], end: pair.key.range[1], siblings });
    },
  });
  return keys;
}

const MUTATIONS: Readonly<Record<string, (word: string, at: number) => string>> = {
  "a letter missing": (word, at) => word.slice(0, at) + word.slice(at + 1),
  "a letter doubled": (word, at) => word.slice(0, at) + word.charAt(at) + word.slice(at),
  "a wrong letter": (word, at) => `${word.slice(0, at)}q${word.slice(at + 1)}`,
  "two letters swapped": (word, at) => word.slice(0, at) + word.charAt(at + 1) + word.charAt(at) + word.slice(at + 2),
};

test.each(FIXTURES)("%s has keys of every section, and no problem", (file) => {
  const text = textOf(file);
  expect(keysOf(text).length).toBeGreaterThan(20);
  expect(loadConfig({ text, env, providers: vendors() }).warnings).toEqual([]);
});

const keys = FIXTURES.flatMap((file) =>
  keysOf(textOf(file))
    .filter(({ name }) => !NAMES.includes(name))
    .map((key) => [key.name, file, key.start, key] as const),
);

describe.each(Object.entries(MUTATIONS))("%s", (_, mutate) => {
  test.each(keys)("in %s of %s at %i", (name, file, start, key) => {
    const text = textOf(file);
    for (let at = 0; at < name.length; at++) {
      const wrong = mutate(name, at);
      // Swapping two equal letters changes nothing, and an empty key is another mistake.
      if (key.siblings.includes(wrong) || wrong.length === 0) continue;
      const mutated = text.slice(0, start) + wrong + text.slice(key.end);
      const problems = problemsOf(() => load(mutated, { env }));
      const lines = new LineCounter();
      parseDocument(mutated, { lineCounter: lines });
      const { line } = lines.linePos(start);
      const found = problems.find((problem) => problem.key.endsWith(wrong) && problem.line === line);
      expect(found, `${wrong}: ${JSON.stringify(problems)}`).toBeDefined();
      expect(found?.hint, wrong).toContain(JSON.stringify(name));
      // One mistake, one line.
      expect(problems, wrong).toHaveLength(1);
    }
  });
});

test("whatever is written, the answer is a configuration or a list of problems", () => {
  const word = fc.constantFrom(
    ..."model_list: litellm_params: model: openai/gpt-5 - ? [ ] { } , & * ! | > # : \" ' \n \t os.environ/X << .inf ~".split(
      " ",
    ),
    "\n  ",
    "\n    - ",
    "include:",
    "fallbacks:",
    "\u0000",
    "é",
  );
  fc.assert(
    fc.property(fc.array(word, { maxLength: 40 }), (words) => {
      try {
        load(words.join(" "));
      } catch (error) {
        expect(error).toMatchObject({ code: "option_invalid" });
        expect((error as { details: { problems: unknown[] } }).details.problems.length).toBeGreaterThan(0);
      }
    }),
    { numRuns: 500 },
  );
});
