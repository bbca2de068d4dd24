import { describe, expect, test } from "vitest";
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

/** The least that each kind can be told. */
const LEAST: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  litellm_content_filter: { blocked_words: [{ keyword: "falcon", action: "BLOCK" }] },
  keywords: { words: ["falcon"] },
  patterns: { patterns: [{ pattern: "PRJ-[0-9]+" }] },
  languages: { languages: ["en"] },
  size: { max_characters: 100 },
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
