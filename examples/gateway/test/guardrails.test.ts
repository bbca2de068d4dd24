import { describe, expect, test } from "vitest";
import { Secret } from "@signalbox/kernel";
import type { GuardrailSettings } from "@signalbox/plugin-config";
import { contentFilter } from "../src/guardrails/content-filter.ts";
import { GUARDRAIL_NAMES, guardrailPlugins } from "../src/guardrails/guardrails.ts";
import { toolPermission } from "../src/guardrails/tool-permission.ts";

const entry = (guardrail: string, settings: Readonly<Record<string, unknown>> = {}): GuardrailSettings => ({
  name: "mine",
  guardrail,
  defaultOn: true,
  settings,
});

const KEY = new Secret("sk-guard");

/** The least that each kind can be told. */
const LEAST: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  litellm_content_filter: { blocked_words: [{ keyword: "falcon", action: "BLOCK" }] },
  keywords: { words: ["falcon"] },
  patterns: { patterns: [{ pattern: "PRJ-[0-9]+" }] },
  languages: { languages: ["en"] },
  size: { max_characters: 100 },
  generic_guardrail_api: { api_base: "https://guard.example" },
  openai_moderation: { api_key: KEY },
  presidio: { presidio_analyzer_api_base: "http://analyzer:3000" },
  lakera: { api_key: KEY },
  lakera_v2: { api_key: KEY },
  "azure/prompt_shield": { api_key: KEY, api_base: "https://shield.example" },
  "azure/text_moderations": { api_key: KEY, api_base: "https://shield.example" },
  bedrock: { guardrailIdentifier: "abc123", aws_region_name: "eu-central-1", api_key: KEY },
  llamaguard: { model: "guard" },
};

test.each(Object.keys(GUARDRAIL_NAMES))("%s is there under the name of the file", async (guardrail) => {
  const [plugin] = await guardrailPlugins([entry(guardrail, LEAST[guardrail])]);
  expect(plugin?.name).toBe("guardrail mine");
  expect(plugin?.guardrails?.map(({ name, runs }) => ({ name, runs }))).toEqual([
    { name: "mine", runs: { defaultOn: true } },
  ]);
});

test("what is wrong with a setting stops the start, with the name of the guardrail", async () => {
  await expect(guardrailPlugins([entry("personal", { kinds: ["shoe size"] })])).rejects.toMatchObject({
    code: "option_invalid",
    message: expect.stringContaining("mine"),
  });
});

describe("those that ask a service", () => {
  const make = (guardrail: string, settings: Readonly<Record<string, unknown>>, env = {}) =>
    guardrailPlugins([entry(guardrail, settings)], env);

  test.each([
    ["generic_guardrail_api", {}, "needs api_base"],
    ["openai_moderation", {}, "needs api_key, OPENAI_API_KEY in the environment, or a model of this gateway"],
    ["presidio", {}, "needs presidio_analyzer_api_base, or PRESIDIO_ANALYZER_API_BASE in the environment"],
    ["lakera_v2", {}, "needs api_key, or LAKERA_API_KEY in the environment"],
    ["azure/prompt_shield", { api_base: "https://shield.example" }, "needs api_key"],
    ["azure/text_moderations", { api_key: KEY }, "needs api_base"],
    ["bedrock", {}, "needs guardrailIdentifier"],
    ["bedrock", { guardrailIdentifier: "abc123" }, "needs aws_region_name"],
    [
      "bedrock",
      { guardrailIdentifier: "abc123", aws_region_name: "eu-central-1" },
      "needs aws_access_key_id and aws_secret_access_key, or an api_key of Bedrock",
    ],
    [
      "bedrock",
      { guardrailIdentifier: "abc123", aws_region_name: "nowhere", api_key: KEY },
      "region: must be a region",
    ],
    [
      "bedrock",
      { guardrailIdentifier: "abc123", aws_region_name: "eu-central-1", api_key: KEY, aws_access_key_id: "AKID" },
      "has both an api_key and aws_… credentials",
    ],
    ["llamaguard", {}, "needs model"],
    [
      "lakera_v2",
      { api_key: KEY, action: "flag", mask_request_content: true },
      "has both an action and mask_…_content; keep one of them",
    ],
    [
      "presidio",
      { api_base: "http://analyzer:3000", action: "flag", pii_entities_config: { PERSON: "mask" } },
      "has both an action and pii_entities_config; keep one of them",
    ],
    [
      "presidio",
      { api_base: "http://analyzer:3000", reversible: true, output_parse_pii: true },
      "has both reversible and output_parse_pii, which are the same; keep one of them",
    ],
  ])("%s with %j is refused: %s", async (guardrail, settings, message) => {
    await expect(make(guardrail, settings)).rejects.toThrow(`guardrails: "mine": ${message}`);
  });

  test("cannot mask requests beside the call", async () => {
    const settings = { api_key: KEY, mask_request_content: true };
    await expect(guardrailPlugins([{ ...entry("lakera_v2", settings), mode: ["during"] }])).rejects.toThrow(
      "masks requests, which it cannot do beside the call",
    );
  });

  test.each([
    ["openai_moderation", { OPENAI_API_KEY: "sk-test" }],
    ["presidio", { PRESIDIO_ANALYZER_API_BASE: "http://analyzer:3000" }],
    ["lakera_v2", { LAKERA_API_KEY: "secret" }],
  ])("%s takes what it needs from %j", async (guardrail, env) => {
    expect(await make(guardrail, {}, env)).toHaveLength(1);
  });

  test("bedrock takes region and credentials from the environment", async () => {
    const env = { AWS_REGION: "eu-central-1", AWS_ACCESS_KEY_ID: "AKID", AWS_SECRET_ACCESS_KEY: "hush" };
    expect(await make("bedrock", { guardrailIdentifier: "abc123" }, env)).toHaveLength(1);
  });
});

describe("tool_permission", () => {
  const rules = (settings: Readonly<Record<string, unknown>>) => toolPermission(entry("tool_permission", settings));

  test("denies what no rule allows, and allowed tools with other arguments", () => {
    const given = [
      { id: "1", tool_name: "^mcp__github_.*$", decision: "allow" },
      { id: "2", tool_name: "read", decision: "allow", allowed_param_patterns: { path: "/tmp/.*" } },
      { id: "3", tool_name: "bash", decision: "deny" },
    ];
    expect(rules({ rules: given })).toMatchObject({
      type: "tools",
      otherwise: "deny",
      rules: [
        { tool: "mcp__github_*", effect: "allow" },
        { tool: "read", effect: "allow", arguments: { path: "^(?:/tmp/.*)$" } },
        { tool: "read", effect: "deny" },
        { tool: "bash", effect: "deny" },
      ],
    });
    expect(rules({ default_action: "allow" })).toMatchObject({ otherwise: "allow", rules: [] });
  });

  test.each([
    [{ tool_name: "a", decision: "perhaps" }, "rules[0] has a decision that is not allow or deny"],
    [{ tool_name: "(a|b)", decision: "deny" }, "rules[0] has a tool_name that is no name with * for anything"],
    [{ tool_name: "a", decison: "deny" }, 'rules[0] has no key "decison"'],
    [
      { tool_name: "a", decision: "allow", allowed_param_patterns: { "to[]": ".*@example.com" } },
      "rules[0] bounds the values of a list, to[]",
    ],
    [
      { tool_name: "a", decision: "allow", allowed_param_patterns: { to: 3 } },
      "allowed_param_patterns that are no map",
    ],
  ])("refuses %j", (rule, message) => {
    expect(() => rules({ rules: [rule] })).toThrow(message);
  });
});

describe("litellm_content_filter", () => {
  const filter = (settings: Readonly<Record<string, unknown>>) =>
    contentFilter(entry("litellm_content_filter", settings));

  test.each([
    [{}, "names neither patterns nor blocked_words"],
    [{ patterns: [{ pattern_type: "regex", pattern: "a" }] }, "patterns[0] must have the action BLOCK or MASK"],
    [
      { patterns: [{ pattern_type: "prebuilt", pattern_name: "shoe", action: "MASK" }] },
      "patterns[0] must have pattern_type: regex and a pattern, or prebuilt and one of email, ",
    ],
    [{ blocked_words: [{ keyword: "a", action: "MASK", severity: 3 }] }, 'blocked_words[0] has no key "severity"'],
    [{ blocked_words: [{ action: "MASK" }] }, "blocked_words[0] must have a keyword"],
  ])("refuses %j", async (settings, message) => {
    await expect(filter(settings)).rejects.toThrow(message);
  });
});
