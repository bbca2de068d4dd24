import type { KeySample } from "./key-samples.ts";

const PARAMS = "guardrails[].litellm_params";

/** Settings of all kinds of guardrails; `everything` of the tests takes each of them. */
export const GUARDRAIL_SETTINGS: Readonly<Record<string, unknown>> = {
  action: "mask",
  reversible: true,
  kinds: ["email"],
  words: ["falcon"],
  topics: { birds: ["falcon"] },
  patterns: [{ pattern: "PRJ-[0-9]+" }],
  blocked_words: [{ keyword: "falcon", action: "BLOCK" }],
  threshold: 0.5,
  max_characters: 100,
  max_messages: 5,
  languages: ["en"],
  rules: [{ tool_name: "bash", decision: "deny" }],
  default_action: "allow",
  on_disallowed_action: "block",
  repair: false,
};

/** One for every supported key about guardrails; one is there. */
export const GUARDRAIL_SAMPLES: Readonly<Record<string, KeySample>> = {
  "guardrails[].guardrail_name": { value: "two" },
  [`${PARAMS}.guardrail`]: { value: "schema" },
  [`${PARAMS}.mode`]: { value: "pre_call" },
  [`${PARAMS}.default_on`]: { value: true },
  ...Object.fromEntries(Object.entries(GUARDRAIL_SETTINGS).map(([key, value]) => [`${PARAMS}.${key}`, { value }])),
  "litellm_settings.enable_json_schema_validation": { value: true },
};
