import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { ConfigKey, LoadedConfig, SupportedKey } from "@signalbox/plugin-config";
import { CONFIG_KEYS } from "@signalbox/plugin-config";
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
});

/** What to write for each key so that it must make a difference to `base()`. */
const SAMPLES: Readonly<Record<string, unknown>> = {
  "model_list[].model_name": "three",
  "model_list[].litellm_params.model": "openai/gpt-4o",
  "model_list[].litellm_params.custom_llm_provider": "ollama",
  "model_list[].litellm_params.api_key": "sk-of-its-own",
  "model_list[].litellm_params.api_base": "https://proxy.example/v1",
  "model_list[].litellm_params.organization": "org-1",
  "model_list[].litellm_params.timeout": 5,
  "model_list[].litellm_params.stream_timeout": 5,
  "model_list[].litellm_params.order": 7,
  "model_list[].litellm_params.fallbacks": ["two"],
  "model_list[].litellm_params.drop_params": true,
  "model_list[].litellm_params.additional_drop_params": ["seed"],
  "model_list[].litellm_params.allowed_openai_params": ["seed"],
  "model_list[].litellm_params.extra_headers": { "x-team": "blue" },
  "model_list[].litellm_params.extra_body": { top_k: 3 },
  "model_list[].model_info.id": "mine",
  "router_settings.fallbacks": [{ one: ["two"] }],
  "router_settings.timeout": 5,
  "router_settings.stream_timeout": 5,
  "litellm_settings.drop_params": true,
  "litellm_settings.request_timeout": 5,
  "litellm_settings.fallbacks": [{ one: ["two"] }],
  "general_settings.master_key": "sk-8f2d91c64e0b7a35",
  "general_settings.allow_weak_master_key": true,
  "general_settings.max_request_size_mb": 1.5,
  environment_variables: { OPENAI_API_KEY: "sk-declared" },
};

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
  const secrets = config.deployments.map(({ apiKey }) => apiKey?.reveal());
  return JSON.stringify({ ...config, secrets, required: config.plugins[0]?.authenticator?.required });
}

describe("every supported key has a consumer", () => {
  const before = visible(configured(base()));

  // `include` needs files; include.test.ts shows its effect.
  test.each(supported.map(({ path }) => path).filter((path) => path !== "include"))("%s", (path) => {
    expect(SAMPLES, "a sample is missing here").toHaveProperty([path]);
    expect(visible(configured(set(base(), path, SAMPLES[path])))).not.toBe(before);
  });

  test("and every sample belongs to one", () => {
    const paths = supported.map(({ path }) => path);
    expect(Object.keys(SAMPLES).filter((path) => !paths.includes(path))).toEqual([]);
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
    const lines = report(JSON.stringify(set(base(), path, 1), undefined, 1));
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
  expect(count("router_settings")).toBeGreaterThan(40);
});

test("the README names every supported key", () => {
  const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  const missing = supported
    .map(({ path }) => path.slice(path.lastIndexOf(".") + 1))
    .filter((key) => !readme.includes(`\`${key}\``));
  expect(missing).toEqual([]);
});
