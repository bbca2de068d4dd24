import type { Plugin } from "@signalbox/kernel";
import { isGatewayError } from "@signalbox/kernel";
import type { GuardrailCatalog, GuardrailSettings } from "@signalbox/plugin-config";
import type { GuardrailOptions } from "@signalbox/plugin-guardrails";
import type { Environment } from "../catalog.ts";
import type { GuardrailRow } from "./guardrail-row.ts";
import { commonOf, wrongEntry } from "./guardrail-row.ts";
import { REMOTE_ROWS } from "./remote-guardrails.ts";

/** Of guardrails that find things in texts. */
const TEXT = ["action", "reversible"];

/** Every guardrail that a configuration can name. Nothing of one is loaded before somebody asks for it. */
const ROWS: Readonly<Record<string, GuardrailRow>> = {
  // by the names that LiteLLM has for the like
  "hide-secrets": builtIn(TEXT, (settings) => found("secrets", settings, { action: "mask" })),
  tool_permission: {
    keys: ["rules", "default_action", "on_disallowed_action"],
    async make(settings) {
      const { toolPermission } = await import("./tool-permission.ts");
      return await made(toolPermission(settings));
    },
  },
  litellm_content_filter: {
    keys: ["patterns", "blocked_words"],
    async make(settings) {
      const { contentFilter } = await import("./content-filter.ts");
      return await contentFilter(settings);
    },
  },
  ...REMOTE_ROWS,
  // by their own
  secrets: builtIn(TEXT, (settings) => found("secrets", settings)),
  personal: builtIn([...TEXT, "kinds"], (settings) => found("personal", settings)),
  keywords: builtIn([...TEXT, "words", "topics"], (settings) => found("keywords", settings)),
  patterns: builtIn([...TEXT, "patterns"], (settings) => found("patterns", settings)),
  injection: builtIn(["action", "threshold"], (settings) => found("injection", settings)),
  languages: builtIn(["languages"], ({ settings: { languages }, ...rest }) =>
    found("languages", { ...rest, settings: { allow: languages } }),
  ),
  size: builtIn(["max_characters", "max_messages"], ({ settings, ...rest }) => {
    const { max_characters: maxCharacters, max_messages: maxMessages } = settings;
    const bounds = {
      ...(maxCharacters !== undefined && { maxCharacters }),
      ...(maxMessages !== undefined && { maxMessages }),
    };
    return found("size", { ...rest, settings: bounds });
  }),
  schema: builtIn(["repair"], (settings) => found("schema", settings)),
};

/** What a configuration may name, and the settings of each. */
export const GUARDRAIL_NAMES: GuardrailCatalog = Object.fromEntries(
  Object.entries(ROWS).map(([name, { keys }]) => [name, keys]),
);

/** The guardrails of a configuration, each in a plugin of its own, in the order of the file. */
export async function guardrailPlugins(
  all: readonly GuardrailSettings[],
  env: Environment = {},
): Promise<readonly Plugin[]> {
  return await Promise.all(
    all.map(async (settings) => {
      try {
        const plugin = await (ROWS[settings.guardrail] as GuardrailRow).make(settings, env);
        return { ...plugin, name: `guardrail ${settings.name}` };
      } catch (error) {
        // what the plugin says of its list says nothing to who wrote the file
        throw isGatewayError(error) ? wrongEntry(settings, error.message, error) : error;
      }
    }),
  );
}

/** Their routes for administrators, where there are any. */
export async function guardrailRoutePlugins(all: readonly GuardrailSettings[]): Promise<readonly Plugin[]> {
  if (all.length === 0) return [];
  const { guardrailRoutes } = await import("@signalbox/plugin-guardrails");
  return [guardrailRoutes()];
}

function builtIn(keys: readonly string[], options: (settings: GuardrailSettings) => GuardrailOptions): GuardrailRow {
  return { keys, make: (settings) => made(options(settings)) };
}

/** What it is told is checked by the plugin, by the name of the guardrail. */
function found(
  type: GuardrailOptions["type"],
  settings: GuardrailSettings,
  defaults: Readonly<Record<string, unknown>> = {},
): GuardrailOptions {
  return { type, ...commonOf(settings), ...defaults, ...settings.settings } as unknown as GuardrailOptions;
}

async function made(options: GuardrailOptions): Promise<Plugin> {
  const { guardrails } = await import("@signalbox/plugin-guardrails");
  return await guardrails([options]);
}
