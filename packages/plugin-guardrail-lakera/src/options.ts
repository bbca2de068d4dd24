import { z } from "zod";
import type { Secret } from "@signalbox/kernel";
import type { RemoteGuardrailOptions } from "@signalbox/kernel/guardrails";
import { checkRemoteOptions, REMOTE_SHAPES } from "@signalbox/kernel/guardrails";

/** What a guardrail by Lakera Guard can be told. */
export interface LakeraGuardrailOptions extends RemoteGuardrailOptions {
  /** Without it only services of one's own answer. */
  readonly apiKey?: Secret;
  /** With the version. Default `https://api.lakera.ai/v2`. */
  readonly baseUrl?: string;
  /** Whose policy decides. Default: the account's. */
  readonly projectId?: string;
  /** Only these detectors count: `prompt_attack`, `pii/email`, or by their beginning, `pii`. Default: all of the policy. */
  readonly detectors?: readonly string[];
}

const OWN = {
  apiKey: REMOTE_SHAPES.secret.optional(),
  baseUrl: REMOTE_SHAPES.url.optional(),
  projectId: z.string().min(1).optional(),
  detectors: z.array(z.string().min(1)).min(1).optional(),
};

/** @throws {GatewayError} `option_invalid` */
export function checkOptions(list: readonly LakeraGuardrailOptions[]): void {
  checkRemoteOptions("guardrail-lakera", list, OWN);
}
