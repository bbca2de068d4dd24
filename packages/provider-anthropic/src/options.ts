import { z } from "zod";
import { GatewayError } from "@signalbox/kernel";
import { ANTHROPIC, DEFAULT_VERSION } from "./names.ts";

/** Options of `anthropic`. */
export interface AnthropicOptions {
  /** Sent as `x-api-key`. A deployment's own key goes before it. */
  readonly apiKey?: string;
  /** Sent as `Authorization: Bearer` instead of a key. */
  readonly authToken?: string;
  /** Default `https://api.anthropic.com`. */
  readonly baseUrl?: string;
  /** `anthropic-version` for requests whose client names none. Default `2023-06-01`. */
  readonly version?: string;
  /** `anthropic-beta` values, sent with every request beside those of the client. */
  readonly betas?: readonly string[];
  /** Sent with every request: `anthropic-workspace-id`, … */
  readonly headers?: Readonly<Record<string, string>>;
}

export interface AnthropicSettings {
  readonly apiKey: string | undefined;
  readonly authToken: string | undefined;
  readonly baseUrl: string;
  readonly version: string;
  readonly betas: readonly string[];
  readonly headers: Readonly<Record<string, string>>;
}

const DEFAULT_BASE_URL = "https://api.anthropic.com";

const schema = z
  .strictObject({
    apiKey: z.string().min(1).exactOptional(),
    authToken: z.string().min(1).exactOptional(),
    baseUrl: z.url({ protocol: /^https?$/ }).exactOptional(),
    version: z.string().min(1).exactOptional(),
    betas: z.array(z.string().min(1)).exactOptional(),
    headers: z.record(z.string(), z.string()).exactOptional(),
  })
  .refine((options) => options.apiKey === undefined || options.authToken === undefined, {
    error: "give apiKey or authToken, not both",
    path: ["authToken"],
  });

/** @throws {GatewayError} `option_invalid` naming the option */
export function anthropicSettings(options: AnthropicOptions): AnthropicSettings {
  const checked = schema.safeParse(options);
  if (!checked.success) {
    const issue = checked.error.issues[0];
    throw new GatewayError(
      "option_invalid",
      `anthropic(${issue?.path.join(".") ?? ""}): ${issue?.message ?? "invalid"}`,
      {
        source: ANTHROPIC,
        cause: checked.error,
      },
    );
  }
  return {
    apiKey: options.apiKey,
    authToken: options.authToken,
    baseUrl: options.baseUrl ?? DEFAULT_BASE_URL,
    version: options.version ?? DEFAULT_VERSION,
    betas: options.betas ?? [],
    headers: options.headers ?? {},
  };
}
