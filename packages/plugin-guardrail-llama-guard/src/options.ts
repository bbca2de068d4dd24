import { z } from "zod";
import type { Secret } from "@signalbox/kernel";
import type { RemoteGuardrailOptions } from "@signalbox/kernel/guardrails";
import { checkRemoteOptions, REMOTE_SHAPES } from "@signalbox/kernel/guardrails";

/** What a guardrail by Llama Guard can be told. Without `baseUrl`, the gateway itself is asked. */
export interface LlamaGuardrailOptions extends RemoteGuardrailOptions {
  /** A public model name of the gateway; or, with a `baseUrl`, one of the service. */
  readonly model: string;
  /** Of a service that speaks OpenAI's chat completions, with the version: `http://vllm:8000/v1`. */
  readonly baseUrl?: string;
  readonly apiKey?: Secret;
  /** Only these count: `S1`, `S10`. Default: all. */
  readonly categories?: readonly string[];
}

const OWN = {
  model: z.string().min(1),
  baseUrl: REMOTE_SHAPES.url.optional(),
  apiKey: REMOTE_SHAPES.secret.optional(),
  categories: z
    .array(z.string().regex(/^S\d{1,3}$/, "must be like S1"))
    .min(1)
    .optional(),
};

/** @throws {GatewayError} `option_invalid` */
export function checkOptions(list: readonly LlamaGuardrailOptions[]): void {
  checkRemoteOptions("guardrail-llama-guard", list, OWN);
}
