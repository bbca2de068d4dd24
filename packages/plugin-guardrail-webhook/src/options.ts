import { z } from "zod";
import type { Secret } from "@signalbox/kernel";
import type { RemoteGuardrailOptions } from "@signalbox/kernel/guardrails";
import { checkRemoteOptions, REMOTE_SHAPES } from "@signalbox/kernel/guardrails";

/** What a guardrail that asks a service of the operator's own can be told. */
export interface WebhookGuardrailOptions extends RemoteGuardrailOptions {
  /** Where the service is: `https://guard.example.com`. */
  readonly baseUrl: string;
  /** Default `/beta/litellm_basic_guardrail_api`. */
  readonly path?: string;
  /** Sent as a bearer token. */
  readonly apiKey?: Secret;
  /** Questions are signed with it; `signature` shows how. */
  readonly signingSecret?: Secret;
  /** Sent besides. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Headers of clients that are told in `request_headers`, in lower case. Default: none. */
  readonly forwardHeaders?: readonly string[];
  /** Sent as `additional_provider_specific_params`. */
  readonly params?: Readonly<Record<string, unknown>>;
}

const NO_CLIENT_CREDENTIALS = /^(?!(?:.*authorization|cookie|.*api-key|.*token|.*secret)$)[a-z0-9-]+$/;

const OWN = {
  baseUrl: REMOTE_SHAPES.url,
  path: z.string().startsWith("/").optional(),
  apiKey: REMOTE_SHAPES.secret.optional(),
  signingSecret: REMOTE_SHAPES.secret.optional(),
  headers: z.record(z.string().regex(/^[A-Za-z0-9-]+$/), z.string().regex(/^[\t\x20-\x7e]*$/)).optional(),
  forwardHeaders: z
    .array(z.string().regex(NO_CLIENT_CREDENTIALS, "must be a name in lower case, and of no credential"))
    .optional(),
  params: z.record(z.string(), z.unknown()).optional(),
};

/** @throws {GatewayError} `option_invalid` */
export function checkOptions(list: readonly WebhookGuardrailOptions[]): void {
  checkRemoteOptions("guardrail-webhook", list, OWN);
}
