import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { ConfigKey, LoadedConfig, SupportedKey } from "@signalbox/plugin-config";
import { CONFIG_KEYS } from "@signalbox/plugin-config";
import { KEY_SAMPLES } from "./support/key-samples.ts";
import { keyTables } from "./support/key-tables.ts";
import { load, report } from "./support/vendors.ts";

// Every supported key changes what comes out, and every other known key is refused with a reason.

const supported = CONFIG_KEYS.filter((key): key is SupportedKey => key.status === "supported");
const others = CONFIG_KEYS.filter((key) => key.status !== "supported");

type Tree = { [key: string]: unknown };

/** Written as YAML, of which JSON is a part. */
const base = (): Tree => ({
  model_list: [
    { model_name: "one", litellm_params: { model: "openai/gpt-5" } },
    { model_name: "two", litellm_params: { model: "ollama/qwen3" } },
  ],
  guardrails: [{ guardrail_name: "one", litellm_params: { guardrail: "everything" } }],
});

/** Puts a value at a path of the catalogue, in the first entry of each list. */
function set(tree: Tree, path: string, value: unknown): Tree {
  const words = path.split(".");
  const last = words.pop() ?? "";
  let at: Tree = tree;
  for (const word of words) {
    const name = word.replace("[]", "");
    at[name] ??= word.endsWith("[]") ? [{}] : {};
    const next = at[name];
    at = (Array.isArray(next) ? next[0] : next) as Tree;
  }
  at[last] = value;
  return tree;
}

const configured = (tree: Tree): LoadedConfig => load(JSON.stringify(tree, undefined, 1));

/** With secrets shown: a changed key is a change. */
function visible(config: LoadedConfig): string {
  const secrets = [
    ...config.deployments.map(({ apiKey }) => apiKey),
    ...config.masterKeys,
    config.stores.databaseUrl,
    config.stores.redis?.url,
    config.stores.redis?.password,
    config.cache?.redis?.url,
    config.cache?.redis?.password,
    config.cache?.redis?.sentinel?.password,
  ].map((secret) => secret?.reveal());
  const { plugins, ...rest } = config;
  return JSON.stringify({ ...rest, secrets, required: plugins[0]?.authenticator?.required }, (_, value) =>
    typeof value === "bigint" ? String(value) : value,
  );
}

/** Shown by a test of their own: `include` needs files, and a group's name stands in messages only. */
const ELSEWHERE = ["include", "router_settings.routing_groups[].group_name"];

/** A sample may be what makes a configuration valid at all. */
function outcome(tree: Tree): string {
  try {
    return visible(configured(tree));
  } catch (error) {
    return String(error);
  }
}

describe("every supported key has a consumer", () => {
  const tested = supported.map(({ path }) => path).filter((path) => !ELSEWHERE.includes(path));

  test.each(tested)("%s", (path) => {
    const sample = KEY_SAMPLES[path];
    if (sample === undefined) throw new Error("a sample is missing here");
    const at = path.replace("*", sample.name ?? "one");
    const others = Object.entries(sample.beside ?? {});
    const before = (): Tree =>
      others.reduce((tree, [other, value]) => set(tree, other, structuredClone(value)), base());
    expect(outcome(set(before(), at, sample.value))).not.toBe(outcome(before()));
    // what makes the difference must not be that it was refused
    configured(set(before(), at, sample.value));
  });

  test("and every sample belongs to one", () => {
    const paths = supported.map(({ path }) => path);
    expect(Object.keys(KEY_SAMPLES).filter((path) => !paths.includes(path))).toEqual([]);
  });
});

describe("every other known key is refused", () => {
  const parents = (path: string): readonly ConfigKey[] =>
    others.filter((other) => path.startsWith(`${other.path}.`) || path.startsWith(`${other.path}[]`));

  test.each(others.map((key) => [key.path, key] as const))("%s", (path, key) => {
    const [reported = key] = parents(path);
    const at = reported.path.replaceAll("[]", "[0]");
    const reason =
      reported.status === "later"
        ? `needs the plugin "${reported.plugin}", which this gateway does not have; remove the key, or add the plugin`
        : `is not a key of Signalbox; ${reported.status === "refused" ? reported.hint : ""}`;
    const lines = report(JSON.stringify(set(base(), path.replace("*", "one"), 1), undefined, 1));
    expect(lines.map((line) => line.replace(/^\d+:\d+ /, ""))).toEqual([`${at}: ${reason}`]);
  });
});

test("no key is there twice, and the large sections are complete", () => {
  const paths = CONFIG_KEYS.map(({ path }) => path);
  expect(new Set(paths).size).toBe(paths.length);
  const count = (prefix: string): number => paths.filter((path) => path.startsWith(prefix)).length;
  expect(count("model_list")).toBeGreaterThan(150);
  expect(count("general_settings")).toBeGreaterThan(70);
  expect(count("litellm_settings")).toBeGreaterThan(70);
  expect(count("router_settings")).toBeGreaterThan(100);
});

test("docs/configuration-keys.md says of each key what the catalogue says", () => {
  const page = readFileSync(new URL("../../../docs/configuration-keys.md", import.meta.url), "utf8");
  expect(page.slice(page.indexOf("## "))).toBe(`${keyTables(CONFIG_KEYS)}\n`);
});
