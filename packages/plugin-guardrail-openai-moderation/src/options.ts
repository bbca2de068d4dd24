import { z } from "zod";
import type { Secret } from "@signalbox/kernel";
import type { RemoteGuardrailOptions } from "@signalbox/kernel/guardrails";
import { checkRemoteOptions, REMOTE_SHAPES } from "@signalbox/kernel/guardrails";

/** What a guardrail by a moderation model can be told. Without `baseUrl` and `apiKey`, the gateway itself is asked. */
export interface ModerationGuardrailOptions extends RemoteGuardrailOptions {
  /** Of the service; or a public model name of the gateway. Default `omni-moderation-latest`. */
  readonly model?: string;
  /** With the version: `https://api.openai.com/v1`, which is the default with an `apiKey`. */
  readonly baseUrl?: string;
  readonly apiKey?: Secret;
  /** Only these categories count: `violence`, `self-harm/intent`. Default: all. */
  readonly categories?: readonly string[];
  /** From which score on a category counts, 0 to 1. Those without one count when the model flags them. */
  readonly thresholds?: Readonly<Record<string, number>>;
}

const OWN = {
  model: z.string().min(1).optional(),
  baseUrl: REMOTE_SHAPES.url.optional(),
  apiKey: REMOTE_SHAPES.secret.optional(),
  categories: z.array(z.string().min(1)).min(1).optional(),
  thresholds: z.record(z.string().min(1), z.number().min(0).max(1)).optional(),
};

/** @throws {GatewayError} `option_invalid` */
export function checkOptions(list: readonly ModerationGuardrailOptions[]): void {
  checkRemoteOptions("guardrail-openai-moderation", list, OWN);
}
