import {
  allowOrDeny,
  guardrailAction,
  guardrailName,
  guardrailTimes,
  mapList,
  onlyBlock,
  wordLists,
} from "../guardrail-values.ts";
import { share, wholeAboveZero } from "../routing-values.ts";
import { flag, names, text } from "../values.ts";
import type { ConfigKey } from "./key.ts";
import { later, supported } from "./key.ts";

const ENTRY = "guardrails[]";
const PARAMS = `${ENTRY}.litellm_params`;
const LITELLM = "litellm_settings";

/** What goes in and what comes out is checked by these. Which settings a guardrail takes depends on which it is. */
export const GUARDRAIL_KEYS: readonly ConfigKey[] = [
  supported(`${ENTRY}.guardrail_name`, guardrailName, "By which requests and keys choose it."),
  supported(`${PARAMS}.guardrail`, text, "Which one: `hide-secrets`, `tool_permission`, `personal`, `injection`, …"),
  supported(`${PARAMS}.mode`, guardrailTimes, "`pre_call`, `during_call`, `post_call`, `logging_only`, or several."),
  supported(`${PARAMS}.default_on`, flag, "For calls that do not ask for it too. Default false."),
  supported(`${PARAMS}.action`, guardrailAction, "What becomes of what is found: `block`, `mask`, `flag`."),
  supported(`${PARAMS}.reversible`, flag, "What was masked for the model comes back in its answer. Default false."),
  supported(`${PARAMS}.kinds`, names, "`personal`: `email`, `phone`, `card`, `iban`, `nationalId`, `ip`, `address`."),
  supported(`${PARAMS}.words`, names, "`keywords`: words and phrases."),
  supported(`${PARAMS}.topics`, wordLists, "`keywords`: words by topic."),
  supported(
    `${PARAMS}.patterns`,
    mapList,
    "`patterns`: `{pattern, kind}`; `litellm_content_filter`: `{pattern_type, …}`.",
  ),
  supported(`${PARAMS}.blocked_words`, mapList, "`litellm_content_filter`: `{keyword, action}`."),
  supported(`${PARAMS}.threshold`, share, "`injection`: the score from which a text counts. Default 0.6."),
  supported(`${PARAMS}.max_characters`, wholeAboveZero, "`size`: of all texts of a request."),
  supported(`${PARAMS}.max_messages`, wholeAboveZero, "`size`: messages of a request."),
  supported(`${PARAMS}.languages`, names, "`languages`: those allowed."),
  supported(`${PARAMS}.rules`, mapList, "`tool_permission`: `{tool_name, decision, allowed_param_patterns}`."),
  supported(`${PARAMS}.default_action`, allowOrDeny, "`tool_permission`: for other tools. Default `deny`."),
  supported(`${PARAMS}.on_disallowed_action`, onlyBlock, "`tool_permission`: `block`, which is how it is."),
  supported(`${PARAMS}.repair`, flag, "`schema`: ask the model once more. Default true."),
  supported(
    `${LITELLM}.enable_json_schema_validation`,
    flag,
    "Check answers against the schema that a request asks for.",
  ),

  ...later("guardrail-info", ENTRY, "guardrail_info"),
  ...later(
    "guardrail-services",
    PARAMS,
    `api_key api_base api_version timeout unreachable_fallback violation_message_template mask_request_content
     mask_response_content pii_entities_config presidio_language presidio_ad_hoc_recognizers output_parse_pii
     guardrailIdentifier guardrailVersion aws_region_name aws_access_key_id aws_secret_access_key severity_threshold
     category_thresholds model project_id payload breakdown headers additional_provider_specific_params`,
  ),
  ...later("guardrail-policies", "", "policies policy_attachments"),
  ...later("guardrails", LITELLM, "guardrails"),
];
