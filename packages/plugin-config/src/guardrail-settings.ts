import { didYouMean } from "@signalbox/kernel";
import type { ConfigValues } from "./config-values.ts";
import type { GuardrailTime } from "./guardrail-values.ts";
import type { KeyPath, Source } from "./source.ts";

/** Settings that each kind of guardrail takes, by its name in `litellm_params.guardrail`. */
export type GuardrailCatalog = Readonly<Record<string, readonly string[]>>;

/** An entry of `guardrails`. */
export interface GuardrailSettings {
  readonly name: string;
  /** `hide-secrets`: what the application makes of it. */
  readonly guardrail: string;
  /** Default: as the guardrail has it. */
  readonly mode?: readonly GuardrailTime[];
  readonly defaultOn: boolean;
  /** What it is told besides, under the keys of the file. */
  readonly settings: Readonly<Record<string, unknown>>;
}

const COMMON = ["guardrail", "mode", "default_on"];

/** Guardrails that exist elsewhere, by the plugins that would bring them. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  presidio: "guardrail-presidio",
  openai_moderation: "guardrail-openai-moderation",
  bedrock: "guardrail-bedrock",
  "azure/prompt_shield": "guardrail-azure",
  "azure/text_moderations": "guardrail-azure",
  lakera: "guardrail-lakera",
  lakera_v2: "guardrail-lakera",
  llamaguard: "guardrail-llama-guard",
  generic_guardrail_api: "guardrail-webhook",
};

/** Reached through `generic_guardrail_api`, or not at all. */
const VENDORS = `aporia guardrails_ai hiddenlayer aim pangea lasso pillar grayswan panw_prisma_airs model_armor noma
  zscaler_ai_guard javelin enkryptai ibm_guardrails onyx prompt_security qualifire`.split(/\s+/);

export function collectGuardrails(
  { guardrails = [], litellm_settings: calls = {} }: ConfigValues,
  catalog: GuardrailCatalog,
  source: Source,
): readonly GuardrailSettings[] {
  const found: GuardrailSettings[] = [];
  for (const [index, entry] of guardrails.entries()) {
    const at: KeyPath = ["guardrails", index];
    if (entry === undefined) continue;
    source.missing(at, "guardrail_name");
    source.missing(at, "litellm_params");
    const { guardrail_name: name, litellm_params: params } = entry;
    if (params === undefined) continue;
    source.missing([...at, "litellm_params"], "guardrail");
    const { guardrail, mode, default_on: defaultOn = false, ...settings } = params;
    if (name === undefined || guardrail === undefined) continue;
    if (found.some((other) => other.name === name)) {
      source.problem([...at, "guardrail_name"], `is the name of another guardrail too: ${JSON.stringify(name)}`);
    }
    if (!isThere(guardrail, [...at, "litellm_params"], catalog, source)) continue;
    const others = source.keys([...at, "litellm_params"]).filter((key) => !COMMON.includes(key));
    for (const key of others.filter((key) => catalog[guardrail]?.includes(key) === false)) {
      if (source.faulty([...at, "litellm_params", key])) continue;
      source.problem([...at, "litellm_params", key], `is not a setting of ${guardrail}`);
    }
    found.push({ name, guardrail, ...(mode !== undefined && { mode }), defaultOn, settings });
  }
  if (calls.enable_json_schema_validation === true) {
    const path = ["litellm_settings", "enable_json_schema_validation"];
    if (catalog["schema"] === undefined) source.problem(path, 'needs the guardrail "schema", which is not here');
    found.push({ name: "json-schema", guardrail: "schema", defaultOn: true, settings: {} });
  }
  return found;
}

function isThere(guardrail: string, params: KeyPath, catalog: GuardrailCatalog, source: Source): boolean {
  if (Object.hasOwn(catalog, guardrail)) return true;
  const path = [...params, "guardrail"];
  const plugin = Object.hasOwn(ELSEWHERE, guardrail) ? ELSEWHERE[guardrail] : undefined;
  if (plugin !== undefined) {
    source.problem(path, `needs the plugin ${JSON.stringify(plugin)}, which this gateway does not have`);
  } else if (guardrail === "custom_code") {
    source.problem(path, "would run code from a configuration", "write a plugin with a guardrail");
  } else if (VENDORS.includes(guardrail)) {
    source.problem(path, `has no plugin: ${guardrail}`, "reach it through generic_guardrail_api, or write a plugin");
  } else {
    const near = didYouMean(guardrail, [...Object.keys(catalog), ...Object.keys(ELSEWHERE)]).trim();
    const hint = near === "" ? `it is one of ${Object.keys(catalog).join(", ")}` : near;
    source.problem(path, `no guardrail is named ${JSON.stringify(guardrail)}`, hint);
  }
  return false;
}
