import { z } from "zod";
import type { Secret } from "@signalbox/kernel";
import { GatewayError } from "@signalbox/kernel";
import type { RemoteGuardrailOptions } from "@signalbox/kernel/guardrails";
import { checkRemoteOptions, REMOTE_SHAPES } from "@signalbox/kernel/guardrails";

interface AzureOptions extends RemoteGuardrailOptions {
  /** Of the resource: `https://my-resource.cognitiveservices.azure.com`. */
  readonly baseUrl: string;
  /** Sent as `ocp-apim-subscription-key`. */
  readonly apiKey?: Secret;
  /** Gives a token of Entra ID, in place of a key; asked for each question, so it keeps what it has. */
  readonly token?: () => Secret | Promise<Secret>;
  /** Default `2024-09-01`. */
  readonly apiVersion?: string;
}

/** Attacks on prompts, in requests. */
export interface PromptShieldOptions extends AzureOptions {
  readonly type: "promptShield";
}

/** Hate, violence, sexual content, self-harm, and words of block lists. */
export interface TextModerationOptions extends AzureOptions {
  readonly type: "textModeration";
  /** From which severity on a category counts, 0 to 7. Default 4. */
  readonly severity?: number;
  /** For single categories: `{ Hate: 2 }`. */
  readonly severities?: Readonly<Record<string, number>>;
  /** Only these: `Hate`, `SelfHarm`, `Sexual`, `Violence`. Default: all. */
  readonly categories?: readonly string[];
  readonly blocklists?: readonly string[];
  /** Severities 0 to 7 instead of 0, 2, 4, 6. */
  readonly eightLevels?: boolean;
}

/** One guardrail of the list that `azureGuardrails` takes. */
export type AzureGuardrailOptions = PromptShieldOptions | TextModerationOptions;

const severity = z.int().min(1).max(7);
const names = z.array(z.string().min(1)).min(1);
const OWN = {
  type: z.enum(["promptShield", "textModeration"]),
  baseUrl: REMOTE_SHAPES.url,
  apiKey: REMOTE_SHAPES.secret.optional(),
  token: z.custom<() => Secret>((value) => typeof value === "function", "must be a function").optional(),
  apiVersion: z
    .string()
    .regex(/^[\w.-]+$/)
    .optional(),
};
const MODERATION = {
  severity: severity.optional(),
  severities: z.record(z.string().min(1), severity).optional(),
  categories: names.optional(),
  blocklists: names.optional(),
  eightLevels: z.boolean().optional(),
};

/** @throws {GatewayError} `option_invalid` */
export function checkOptions(list: readonly AzureGuardrailOptions[]): void {
  for (const options of list) {
    const shape = options.type === "textModeration" ? { ...OWN, ...MODERATION } : OWN;
    checkRemoteOptions("guardrail-azure", [options], shape);
    if ((options.apiKey === undefined) === (options.token === undefined)) {
      throw refused(`${JSON.stringify(options.name)} needs either an apiKey or a token`);
    }
    if (options.type === "promptShield" && [options.mode ?? []].flat().includes("after")) {
      throw refused(`${JSON.stringify(options.name)} looks at requests; "after" never runs`);
    }
  }
}

function refused(message: string): GatewayError {
  return new GatewayError("option_invalid", `guardrail-azure: ${message}`, { source: "guardrail-azure" });
}
