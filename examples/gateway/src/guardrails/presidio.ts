import type { Plugin } from "@signalbox/kernel";
import type { GuardrailSettings } from "@signalbox/plugin-config";
import { presidioGuardrails } from "@signalbox/plugin-guardrail-presidio";
import type { Environment } from "../catalog.ts";
import { wrongEntry } from "./guardrail-row.ts";
import type { RemoteSettings } from "./remote-settings.ts";
import { remoteOf } from "./remote-settings.ts";

/** Personal data by Presidio; entities are masked, or blocked where the file says so. */
export function presidio(settings: GuardrailSettings, env: Environment): Plugin {
  const given = settings.settings as RemoteSettings;
  const { api_key: apiKey, presidio_language: language, presidio_ad_hoc_recognizers: adHocRecognizers } = given;
  const baseUrl = given.presidio_analyzer_api_base ?? given.api_base ?? env["PRESIDIO_ANALYZER_API_BASE"];
  const anonymizerUrl = given.presidio_anonymizer_api_base ?? env["PRESIDIO_ANONYMIZER_API_BASE"];
  if (baseUrl === undefined) {
    throw wrongEntry(settings, "needs presidio_analyzer_api_base, or PRESIDIO_ANALYZER_API_BASE in the environment");
  }
  const { pii_entities_config: entities, output_parse_pii: parse, reversible, action } = given;
  if (entities !== undefined && action !== undefined) {
    throw wrongEntry(settings, "has both an action and pii_entities_config; keep one of them");
  }
  if (parse !== undefined && reversible !== undefined) {
    throw wrongEntry(settings, "has both reversible and output_parse_pii, which are the same; keep one of them");
  }
  return presidioGuardrails([
    {
      ...remoteOf(settings),
      baseUrl,
      ...(apiKey !== undefined && { apiKey }),
      ...(language !== undefined && { language }),
      ...(adHocRecognizers !== undefined && { adHocRecognizers }),
      ...(anonymizerUrl !== undefined && { anonymizerUrl }),
      ...(parse !== undefined && { reversible: parse }),
      ...(entities !== undefined && {
        entities: Object.keys(entities),
        // others come from recognizers of one's own
        action: ({ kind }) => entities[kind] ?? "mask",
      }),
    },
  ]);
}
