import { z } from "zod";
import type { Secret } from "@signalbox/kernel";
import type { RemoteGuardrailOptions } from "@signalbox/kernel/guardrails";
import { checkRemoteOptions, REMOTE_SHAPES } from "@signalbox/kernel/guardrails";

/** What a guardrail by Presidio can be told. Its `action` is `mask` by default. */
export interface PresidioGuardrailOptions extends RemoteGuardrailOptions {
  /** Of the analyzer: `http://presidio-analyzer:3000`. */
  readonly baseUrl: string;
  /** Sent as a bearer token, where something stands in front of it. */
  readonly apiKey?: Secret;
  /** Default `en`. */
  readonly language?: string;
  /** Only these: `PERSON`, `EMAIL_ADDRESS`. Default: all that the analyzer knows. */
  readonly entities?: readonly string[];
  /** Findings with a lower score are left out by the analyzer, 0 to 1. */
  readonly scoreThreshold?: number;
  /** More recognizers, as the analyzer takes them. */
  readonly adHocRecognizers?: readonly Readonly<Record<string, unknown>>[];
  /** Of an anonymizer, whose words then stand in place of what is masked: `http://presidio-anonymizer:3000`. */
  readonly anonymizerUrl?: string;
  /** By entity, or `DEFAULT`, as the anonymizer takes them: `{ PERSON: { type: "replace", new_value: "somebody" } }`. */
  readonly anonymizers?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

const OWN = {
  baseUrl: REMOTE_SHAPES.url,
  apiKey: REMOTE_SHAPES.secret.optional(),
  language: z.string().min(2).optional(),
  entities: z.array(z.string().min(1)).min(1).optional(),
  scoreThreshold: z.number().min(0).max(1).optional(),
  adHocRecognizers: z.array(z.record(z.string(), z.unknown())).optional(),
  anonymizerUrl: REMOTE_SHAPES.url.optional(),
  anonymizers: z.record(z.string(), z.record(z.string(), z.unknown())).optional(),
};

/** @throws {GatewayError} `option_invalid` */
export function checkOptions(list: readonly PresidioGuardrailOptions[]): void {
  checkRemoteOptions("guardrail-presidio", list, OWN);
}
