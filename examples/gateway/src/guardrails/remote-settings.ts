import type { FindContext, Finding, FindingAction, Secret } from "@signalbox/kernel";
import type { RemoteGuardrailOptions } from "@signalbox/kernel/guardrails";
import type { GuardrailSettings } from "@signalbox/plugin-config";
import { commonOf, wrongEntry } from "./guardrail-row.ts";

/** What the keys of guardrails that ask somebody hold once they have been checked. */
export interface RemoteSettings {
  readonly action?: "block" | "mask" | "flag";
  readonly reversible?: boolean;
  readonly api_key?: Secret;
  readonly api_base?: string;
  readonly api_version?: string;
  readonly timeout?: number;
  readonly unreachable_fallback?: "open" | "closed";
  readonly mask_request_content?: boolean;
  readonly mask_response_content?: boolean;
  readonly headers?: Readonly<Record<string, string>>;
  readonly extra_headers?: readonly string[];
  readonly additional_provider_specific_params?: Readonly<Record<string, unknown>>;
  readonly model?: string;
  readonly categories?: readonly string[];
  readonly category_thresholds?: Readonly<Record<string, number>>;
  readonly presidio_analyzer_api_base?: string;
  readonly presidio_anonymizer_api_base?: string;
  readonly presidio_language?: string;
  readonly presidio_ad_hoc_recognizers?: readonly Readonly<Record<string, unknown>>[];
  readonly pii_entities_config?: Readonly<Record<string, "mask" | "block">>;
  readonly output_parse_pii?: boolean;
  readonly project_id?: string;
  readonly guardrailIdentifier?: string;
  readonly guardrailVersion?: string;
  readonly aws_region_name?: string;
  readonly aws_access_key_id?: string;
  readonly aws_secret_access_key?: Secret;
  readonly aws_session_token?: Secret;
  readonly severity_threshold?: number;
  readonly severity_threshold_by_category?: Readonly<Record<string, number>>;
  readonly blocklistNames?: readonly string[];
  readonly outputType?: "FourSeverityLevels" | "EightSeverityLevels";
}

/** Keys that all of them take. */
export const REMOTE_KEYS: readonly string[] = [
  "action",
  "reversible",
  "api_key",
  "api_base",
  "timeout",
  "unreachable_fallback",
];

/** Keys of those whose service can say what is to be masked. */
export const MASK_KEYS: readonly string[] = ["mask_request_content", "mask_response_content"];

const SECOND_MS = 1_000;

/** Whether what was found is a piece that can be masked. */
export type CanMask = (finding: Finding) => boolean;

/** What all of them are told. */
export function remoteOf(settings: GuardrailSettings, canMask: CanMask = () => true): RemoteGuardrailOptions {
  const given = settings.settings as RemoteSettings;
  const { reversible, timeout, unreachable_fallback: onUnavailable } = given;
  const action = actionOf(settings, given, canMask);
  return {
    ...commonOf(settings),
    ...(action !== undefined && { action }),
    ...(reversible !== undefined && { reversible }),
    ...(timeout !== undefined && { timeoutMs: Math.max(1, Math.round(timeout * SECOND_MS)) }),
    ...(onUnavailable !== undefined && { onUnavailable }),
  };
}

/** Sides that say nothing are as the guardrail has them. */
function actionOf(
  settings: GuardrailSettings,
  { action, mask_request_content: requests, mask_response_content: replies }: RemoteSettings,
  canMask: CanMask,
): RemoteGuardrailOptions["action"] {
  if (requests === undefined && replies === undefined) return action;
  if (action !== undefined) throw wrongEntry(settings, "has both an action and mask_…_content; keep one of them");
  if (requests === true && settings.mode?.includes("during") === true) {
    throw wrongEntry(settings, "masks requests, which it cannot do beside the call; use the mode pre_call");
  }
  return (finding: Finding, { mode }: FindContext): FindingAction => {
    const mask = (mode === "input" ? requests : replies) ?? finding.replacement !== undefined;
    return mask && canMask(finding) ? "mask" : "block";
  };
}
