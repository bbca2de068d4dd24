import type { GuardrailRuns, Plugin } from "@signalbox/kernel";
import { GatewayError } from "@signalbox/kernel";
import type { GuardrailSettings, GuardrailTime } from "@signalbox/plugin-config";
import type { Environment } from "../catalog.ts";

/** One kind of guardrail that a configuration can name. */
export interface GuardrailRow {
  /** Keys of `litellm_params` that it takes, besides `guardrail`, `mode` and `default_on`. */
  readonly keys: readonly string[];
  /** A plugin with this guardrail; loads what it needs. @throws {GatewayError} `option_invalid` */
  make(settings: GuardrailSettings, env: Environment): Promise<Plugin>;
}

/** What all built-in guardrails are told. */
export interface CommonSettings {
  readonly name: string;
  readonly runs: GuardrailRuns;
  readonly mode?: readonly GuardrailTime[];
}

export function commonOf({ name, mode, defaultOn }: GuardrailSettings): CommonSettings {
  return { name, runs: { defaultOn }, ...(mode !== undefined && { mode }) };
}

/** What is wrong with an entry of the file. */
export function wrongEntry({ name }: GuardrailSettings, message: string, cause?: unknown): GatewayError {
  const text = message.replace(/^guardrail[a-z-]*: (\[0\]\.)?/, "");
  const named = JSON.stringify(name);
  return new GatewayError(
    "option_invalid",
    text.startsWith(named) ? `guardrails: ${text}` : `guardrails: ${named}: ${text}`,
    {
      source: "guardrails",
      cause,
    },
  );
}
