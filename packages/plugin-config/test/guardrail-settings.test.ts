import { describe, expect, test } from "vitest";
import { load, report, withModel } from "./support/vendors.ts";

const entry = (name: string, params: string): string =>
  withModel(`guardrails:\n  - guardrail_name: ${name}\n    litellm_params: ${params}\n`);

describe("guardrails", () => {
  test("have a name, a time and settings, and are on for those who ask", () => {
    const { guardrails } = load(
      withModel(`guardrails:
  - guardrail_name: secrets
    litellm_params: {guardrail: hide-secrets, mode: pre_call, default_on: true, action: mask}
  - guardrail_name: all
    litellm_params: {guardrail: everything, mode: [during_call, post_call], words: [falcon]}
litellm_settings:
  enable_json_schema_validation: true
`),
    );
    expect(guardrails).toEqual([
      { name: "secrets", guardrail: "hide-secrets", mode: ["before"], defaultOn: true, settings: { action: "mask" } },
      {
        name: "all",
        guardrail: "everything",
        mode: ["during", "after"],
        defaultOn: false,
        settings: { words: ["falcon"] },
      },
      { name: "json-schema", guardrail: "schema", defaultOn: true, settings: {} },
    ]);
  });

  const AT = "guardrails[0].litellm_params";

  test.each([
    [
      "a",
      "{guardrail: hide-secrts}",
      `7:33 ${AT}.guardrail: no guardrail is named "hide-secrts". Did you mean "hide-secrets"?`,
    ],
    [
      "a",
      "{guardrail: none-such-at-all}",
      `7:33 ${AT}.guardrail: no guardrail is named "none-such-at-all"; it is one of everything, hide-secrets, schema`,
    ],
    [
      "a",
      "{guardrail: presidio}",
      `7:33 ${AT}.guardrail: needs the plugin "guardrail-presidio", which this gateway does not have`,
    ],
    [
      "a",
      "{guardrail: custom_code}",
      `7:33 ${AT}.guardrail: would run code from a configuration; write a plugin with a guardrail`,
    ],
    [
      "a",
      "{guardrail: lasso}",
      `7:33 ${AT}.guardrail: has no plugin: lasso; reach it through generic_guardrail_api, or write a plugin`,
    ],
    ["a", "{guardrail: schema, words: [x]}", `7:48 ${AT}.words: is not a setting of schema`],
    ["a", "{guardrail: schema, wrods: [x]}", `7:41 ${AT}.wrods: unknown key. Did you mean "words"?`],
    [
      "a",
      "{guardrail: schema, mode: pre_cal}",
      `7:47 ${AT}.mode[0]: is not the name of a mode. Did you mean "pre_call"?`,
    ],
    [
      "a",
      "{guardrail: schema, mode: pre_mcp_call}",
      `7:47 ${AT}.mode[0]: needs the plugin "mcp", which this gateway does not have`,
    ],
    ["a", "{mode: pre_call}", `7:21 ${AT}.guardrail: is missing`],
    [
      "-a",
      "{guardrail: schema}",
      "6:21 guardrails[0].guardrail_name: must have no spaces and commas, and no - in front",
    ],
  ])("not %s with %s", (name, params, line) => {
    expect(report(entry(name, params))).toEqual([line]);
  });

  test("of one name are one too many", () => {
    const text = `${entry("a", "{guardrail: schema}")}  - {guardrail_name: a, litellm_params: {guardrail: schema}}\n`;
    expect(report(text)).toEqual(['8:22 guardrails[1].guardrail_name: is the name of another guardrail too: "a"']);
  });

  test("that the application does not have are refused", () => {
    expect(report(entry("a", "{guardrail: schema}"), { guardrails: {} })[0]).toContain(
      'no guardrail is named "schema"',
    );
  });
});
