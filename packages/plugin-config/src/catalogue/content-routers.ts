import { offeredTools, phrases, tierModel, tierName } from "../content-values.ts";
import { share } from "../routing-values.ts";
import { flag, integer, names, text } from "../values.ts";
import type { ConfigKey } from "./key.ts";
import { later, supported } from "./key.ts";

const ROUTER = "router_settings.content_routers.*";
const WHEN = `${ROUTER}.rules[].when`;
const PARAMS = "model_list[].litellm_params";
const COMPLEXITY = `${PARAMS}.complexity_router_config`;

const TIERS = ["simple", "medium", "complex", "reasoning"];

const SIGNALS = [
  "reasoning",
  "maths",
  "task",
  "code",
  "terms",
  "steps",
  "constraints",
  "length",
  "structure",
  "tools",
  "turns",
  "plain",
];

/** Models that stand for others, by what is asked: our own keys, and LiteLLM's. */
export const CONTENT_ROUTER_KEYS: readonly ConfigKey[] = [
  supported(`${ROUTER}.rules[].name`, text, "What the trace calls the rule."),
  supported(`${WHEN}.contains`, phrases, "One of these stands in the last user message."),
  supported(`${WHEN}.system.contains`, phrases, "One of these stands in the system prompt."),
  supported(`${WHEN}.tools`, offeredTools, "Tools are offered, or one of these."),
  supported(`${WHEN}.images`, flag, "There are pictures."),
  supported(`${WHEN}.min_input_tokens`, integer, "The chat is at least as long."),
  supported(`${WHEN}.max_input_tokens`, integer, "The chat is at most as long."),
  supported(`${WHEN}.reasoning`, flag, "The client asks for reasoning."),
  supported(`${WHEN}.tags`, names, "The call has one of these tags."),
  supported(`${ROUTER}.rules[].use`, text, "The model for such calls."),
  ...TIERS.map((tier) => supported(`${ROUTER}.tiers.${tier}`, text, `The model for ${tier} questions.`)),
  ...TIERS.slice(1).map((tier) => supported(`${ROUTER}.thresholds.${tier}`, share, `The least score of ${tier}.`)),
  ...SIGNALS.map((signal) => supported(`${ROUTER}.weights.${signal}`, share, `What ${signal} adds to the score.`)),
  supported(`${ROUTER}.default_model`, text, "The model for all other calls."),

  ...TIERS.map((tier) =>
    supported(`${COMPLEXITY}.tiers.${tier.toUpperCase()}`, tierModel, `The model for ${tier} questions.`),
  ),
  supported(`${COMPLEXITY}.tier_boundaries.simple_medium`, share, "The least score of medium. Default 0.15."),
  supported(`${COMPLEXITY}.tier_boundaries.medium_complex`, share, "The least score of complex. Default 0.35."),
  supported(`${COMPLEXITY}.tier_boundaries.complex_reasoning`, share, "The least score of reasoning. Default 0.6."),
  supported(`${COMPLEXITY}.keyword_tier_rules[].keywords`, phrases, "One of these decides."),
  supported(`${COMPLEXITY}.keyword_tier_rules[].tier`, tierName, "The tier of such calls."),
  supported(`${COMPLEXITY}.default_model`, text, "The model for calls without a chat."),
  supported(`${PARAMS}.complexity_router_default_model`, text, "The same."),
  ...later(
    "auto-router",
    COMPLEXITY,
    `classifier_type classifier_llm_config classifier_fallback session_affinity semantic_keyword_matching
     dimension_weights token_thresholds code_keywords reasoning_keywords technical_keywords simple_keywords`,
  ),
];
