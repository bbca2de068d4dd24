import { Secret } from "@signalbox/kernel";
import type { GuardrailSettings } from "@signalbox/plugin-config";
import type { Environment } from "../catalog.ts";
import type { GuardrailRow } from "./guardrail-row.ts";
import { wrongEntry } from "./guardrail-row.ts";
import type { RemoteSettings } from "./remote-settings.ts";
import { MASK_KEYS, REMOTE_KEYS, remoteOf } from "./remote-settings.ts";

const MODERATION_MODEL = /^(omni|text)-moderation/;
const DEFAULT_REGION_VARIABLES = ["AWS_REGION_NAME", "AWS_REGION"];

/** Guardrails that ask a service, by the names that LiteLLM has for them. */
export const REMOTE_ROWS: Readonly<Record<string, GuardrailRow>> = {
  generic_guardrail_api: {
    keys: [...REMOTE_KEYS, ...MASK_KEYS, "headers", "extra_headers", "additional_provider_specific_params"],
    async make(settings) {
      const { webhookGuardrails } = await import("@signalbox/plugin-guardrail-webhook");
      const { api_key: apiKey, api_base, headers, extra_headers, ...rest } = given(settings);
      const { additional_provider_specific_params: params } = rest;
      return webhookGuardrails([
        {
          ...remoteOf(settings, isReplaced),
          baseUrl: needed(settings, "api_base", api_base),
          ...(apiKey !== undefined && { apiKey }),
          ...(headers !== undefined && { headers }),
          ...(extra_headers !== undefined && { forwardHeaders: extra_headers.map((name) => name.toLowerCase()) }),
          ...(params !== undefined && { params }),
        },
      ]);
    },
  },
  openai_moderation: {
    keys: [...REMOTE_KEYS, "model", "categories", "category_thresholds"],
    async make(settings, env) {
      const { moderationGuardrails } = await import("@signalbox/plugin-guardrail-openai-moderation");
      const { api_key, api_base: baseUrl, model, categories, category_thresholds: thresholds } = given(settings);
      // any other model that comes without a key is one of the gateway's own
      const isOpenai = model === undefined || MODERATION_MODEL.test(model);
      const apiKey = api_key ?? (isOpenai && baseUrl === undefined ? secretOf(env, "OPENAI_API_KEY") : undefined);
      if (isOpenai && apiKey === undefined && baseUrl === undefined) {
        throw wrongEntry(settings, "needs api_key, OPENAI_API_KEY in the environment, or a model of this gateway");
      }
      return moderationGuardrails([
        {
          ...remoteOf(settings),
          ...(apiKey !== undefined && { apiKey }),
          ...(baseUrl !== undefined && { baseUrl }),
          ...(model !== undefined && { model }),
          ...(categories !== undefined && { categories }),
          ...(thresholds !== undefined && { thresholds }),
        },
      ]);
    },
  },
  presidio: {
    keys: [
      ...REMOTE_KEYS,
      "presidio_analyzer_api_base",
      "presidio_anonymizer_api_base",
      "presidio_language",
      "presidio_ad_hoc_recognizers",
      "pii_entities_config",
      "output_parse_pii",
    ],
    async make(settings, env) {
      const { presidio } = await import("./presidio.ts");
      return presidio(settings, env);
    },
  },
  lakera_v2: lakera(),
  lakera: lakera(),
  "azure/prompt_shield": {
    keys: [...REMOTE_KEYS, "api_version"],
    async make(settings) {
      const { azureGuardrails } = await import("@signalbox/plugin-guardrail-azure");
      return azureGuardrails([{ type: "promptShield", ...azure(settings) }]);
    },
  },
  "azure/text_moderations": {
    keys: [
      ...REMOTE_KEYS,
      "api_version",
      "categories",
      "severity_threshold",
      "severity_threshold_by_category",
      "blocklistNames",
      "outputType",
    ],
    async make(settings) {
      const { azureGuardrails } = await import("@signalbox/plugin-guardrail-azure");
      const { categories, severity_threshold: severity, blocklistNames: blocklists, outputType } = given(settings);
      const { severity_threshold_by_category: severities } = given(settings);
      return azureGuardrails([
        {
          type: "textModeration",
          ...azure(settings),
          ...(categories !== undefined && { categories }),
          ...(severity !== undefined && { severity }),
          ...(severities !== undefined && { severities }),
          ...(blocklists !== undefined && { blocklists }),
          ...(outputType !== undefined && { eightLevels: outputType === "EightSeverityLevels" }),
        },
      ]);
    },
  },
  bedrock: {
    keys: [
      ...REMOTE_KEYS,
      ...MASK_KEYS,
      "guardrailIdentifier",
      "guardrailVersion",
      "aws_region_name",
      "aws_access_key_id",
      "aws_secret_access_key",
      "aws_session_token",
    ],
    async make(settings, env) {
      const { bedrockGuardrails } = await import("@signalbox/plugin-guardrail-bedrock");
      const { guardrailIdentifier, guardrailVersion, aws_region_name: region, api_base: baseUrl } = given(settings);
      return bedrockGuardrails([
        {
          ...remoteOf(settings, isReplaced),
          guardrailId: needed(settings, "guardrailIdentifier", guardrailIdentifier),
          ...(guardrailVersion !== undefined && { guardrailVersion }),
          region: needed(settings, "aws_region_name", region ?? variable(env, ...DEFAULT_REGION_VARIABLES)),
          ...awsAccess(settings, env),
          ...(baseUrl !== undefined && { baseUrl }),
        },
      ]);
    },
  },
  llamaguard: {
    keys: [...REMOTE_KEYS, "model", "categories"],
    async make(settings) {
      const { llamaGuardrails } = await import("@signalbox/plugin-guardrail-llama-guard");
      const { api_key: apiKey, api_base: baseUrl, model, categories } = given(settings);
      return llamaGuardrails([
        {
          ...remoteOf(settings),
          model: needed(settings, "model", model),
          ...(apiKey !== undefined && { apiKey }),
          ...(baseUrl !== undefined && { baseUrl }),
          ...(categories !== undefined && { categories }),
        },
      ]);
    },
  },
};

/** Variables that are read where the file names no value. */
export const GUARDRAIL_VARIABLES: readonly string[] = [
  "OPENAI_API_KEY",
  "PRESIDIO_ANALYZER_API_BASE",
  "PRESIDIO_ANONYMIZER_API_BASE",
  "LAKERA_API_KEY",
  "LAKERA_API_BASE",
  ...DEFAULT_REGION_VARIABLES,
  "AWS_ACCESS_KEY_ID",
  "AWS_SECRET_ACCESS_KEY",
  "AWS_SESSION_TOKEN",
];

/** Attacks are blocked; personal data, whose places it tells, can be masked. */
function lakera(): GuardrailRow {
  return {
    keys: [...REMOTE_KEYS, ...MASK_KEYS, "project_id", "payload", "breakdown"],
    async make(settings, env) {
      const { lakeraGuardrails } = await import("@signalbox/plugin-guardrail-lakera");
      const { api_key, api_base, project_id: projectId } = given(settings);
      const baseUrl = api_base ?? variable(env, "LAKERA_API_BASE");
      const apiKey = api_key ?? secretOf(env, "LAKERA_API_KEY");
      if (apiKey === undefined && baseUrl === undefined) {
        throw wrongEntry(settings, "needs api_key, or LAKERA_API_KEY in the environment");
      }
      return lakeraGuardrails([
        {
          ...remoteOf(settings, ({ kind }) => kind.startsWith("pii/")),
          ...(apiKey !== undefined && { apiKey }),
          ...(baseUrl !== undefined && { baseUrl: versioned(baseUrl) }),
          ...(projectId !== undefined && { projectId }),
        },
      ]);
    },
  };
}

/** LiteLLM's addresses of Lakera come without the version. */
function versioned(baseUrl: string): string {
  const bare = baseUrl.replace(/\/+$/, "");
  return /\/v\d+$/.test(bare) ? bare : `${bare}/v2`;
}

function azure(settings: GuardrailSettings) {
  const { api_key, api_base, api_version: apiVersion } = given(settings);
  return {
    ...remoteOf(settings),
    apiKey: needed(settings, "api_key", api_key),
    baseUrl: needed(settings, "api_base", api_base),
    ...(apiVersion !== undefined && { apiVersion }),
  };
}

/** The file's own credentials win as a whole: a half from elsewhere would fit none. */
function awsAccess(settings: GuardrailSettings, env: Environment) {
  const { api_key: apiKey, aws_access_key_id, aws_secret_access_key, aws_session_token } = given(settings);
  const isOwn =
    aws_access_key_id !== undefined || aws_secret_access_key !== undefined || aws_session_token !== undefined;
  if (apiKey !== undefined && isOwn) throw wrongEntry(settings, "has both an api_key and aws_… credentials");
  if (apiKey !== undefined) return { apiKey };
  const accessKeyId = isOwn ? aws_access_key_id : variable(env, "AWS_ACCESS_KEY_ID");
  const secretAccessKey = isOwn ? aws_secret_access_key : secretOf(env, "AWS_SECRET_ACCESS_KEY");
  const sessionToken = isOwn ? aws_session_token : secretOf(env, "AWS_SESSION_TOKEN");
  if (accessKeyId === undefined || secretAccessKey === undefined) {
    throw wrongEntry(settings, "needs aws_access_key_id and aws_secret_access_key, or an api_key of Bedrock");
  }
  return { credentials: { accessKeyId, secretAccessKey, ...(sessionToken !== undefined && { sessionToken }) } };
}

function isReplaced({ replacement }: { readonly replacement?: string }): boolean {
  return replacement !== undefined;
}

function given({ settings }: GuardrailSettings): RemoteSettings {
  return settings as RemoteSettings;
}

function needed<Value>(settings: GuardrailSettings, key: string, value: Value | undefined): Value {
  if (value === undefined) throw wrongEntry(settings, `needs ${key}`);
  return value;
}

function variable(env: Environment, ...names: readonly string[]): string | undefined {
  return names.map((name) => env[name]).find((value) => value !== undefined && value !== "");
}

function secretOf(env: Environment, name: string): Secret | undefined {
  const value = variable(env, name);
  return value === undefined ? undefined : new Secret(value);
}
