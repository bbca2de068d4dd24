import {
  allowOrDeny,
  entityActions,
  guardrailAction,
  guardrailName,
  guardrailTimes,
  mapList,
  onlyBlock,
  scores,
  secret,
  severities,
  severity,
  severityLevels,
  unreachable,
  version,
  wordLists,
} from "../guardrail-values.ts";
import { alwaysTrue } from "../money-values.ts";
import { share, wholeAboveZero } from "../routing-values.ts";
import { anyMap, flag, headerMap, httpUrl, names, seconds, text } from "../values.ts";
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

  // those that ask somebody
  supported(`${PARAMS}.api_key`, secret, "Of the service. Default: the variable that its users know."),
  supported(`${PARAMS}.api_base`, httpUrl, "Where the service is."),
  supported(`${PARAMS}.api_version`, text, "`azure/…`: default `2024-09-01`."),
  supported(`${PARAMS}.timeout`, seconds, "Seconds for a check. Default 2."),
  supported(
    `${PARAMS}.unreachable_fallback`,
    unreachable,
    "While the service gives no answer: `fail_closed` (default), or `fail_open`.",
  ),
  supported(`${PARAMS}.mask_request_content`, flag, "What the service can mask of requests: masked, or blocked."),
  supported(`${PARAMS}.mask_response_content`, flag, "The same of answers."),
  supported(`${PARAMS}.headers`, headerMap, "`generic_guardrail_api`: sent with each question."),
  supported(`${PARAMS}.extra_headers`, names, "`generic_guardrail_api`: headers of clients that it is told."),
  supported(`${PARAMS}.additional_provider_specific_params`, anyMap, "`generic_guardrail_api`: sent as they are."),
  supported(`${PARAMS}.model`, text, "`openai_moderation`, `llamaguard`: of the service, or one of this gateway."),
  supported(`${PARAMS}.categories`, names, "Only these count. Default: all."),
  supported(`${PARAMS}.category_thresholds`, scores, "`openai_moderation`: from which score a category counts."),
  supported(`${PARAMS}.presidio_analyzer_api_base`, httpUrl, "Default: `PRESIDIO_ANALYZER_API_BASE`."),
  supported(
    `${PARAMS}.presidio_anonymizer_api_base`,
    httpUrl,
    "Its words stand in place of what is masked. Default: `[PERSON]` and the like.",
  ),
  supported(`${PARAMS}.presidio_language`, text, "Default `en`."),
  supported(`${PARAMS}.presidio_ad_hoc_recognizers`, mapList, "`presidio`: more recognizers, as it takes them."),
  supported(`${PARAMS}.pii_entities_config`, entityActions, "`presidio`: what becomes of each: `{PERSON: MASK}`."),
  supported(`${PARAMS}.output_parse_pii`, flag, "As `reversible`."),
  supported(`${PARAMS}.project_id`, text, "`lakera_v2`: whose policy decides. Default: the account's."),
  supported(`${PARAMS}.payload`, alwaysTrue, "Changes nothing: places are always asked for."),
  supported(`${PARAMS}.breakdown`, alwaysTrue, "Changes nothing: detectors are always asked for."),
  supported(`${PARAMS}.guardrailIdentifier`, text, "`bedrock`: its id or ARN."),
  supported(`${PARAMS}.guardrailVersion`, version, "`bedrock`: a number. Default `DRAFT`."),
  supported(`${PARAMS}.aws_region_name`, text, "Default: `AWS_REGION_NAME`, `AWS_REGION`."),
  supported(`${PARAMS}.aws_access_key_id`, text, "Default: `AWS_ACCESS_KEY_ID`."),
  supported(`${PARAMS}.aws_secret_access_key`, secret, "Default: `AWS_SECRET_ACCESS_KEY`."),
  supported(`${PARAMS}.aws_session_token`, secret, "Default: `AWS_SESSION_TOKEN`."),
  supported(`${PARAMS}.severity_threshold`, severity, "`azure/text_moderations`: 1 to 7. Default 4."),
  supported(`${PARAMS}.severity_threshold_by_category`, severities, "The same for single categories: `{Hate: 2}`."),
  supported(`${PARAMS}.blocklistNames`, names, "`azure/text_moderations`: lists of the resource."),
  supported(`${PARAMS}.outputType`, severityLevels, "`EightSeverityLevels`: 0 to 7 instead of 0, 2, 4, 6."),

  ...later("guardrail-info", ENTRY, "guardrail_info"),
  ...later("guardrail-messages", PARAMS, "violation_message_template"),
  ...later("guardrail-policies", "", "policies policy_attachments"),
  ...later("guardrails", LITELLM, "guardrails"),
];
