import { z } from "zod";
import type { Secret } from "@signalbox/kernel";
import { GatewayError } from "@signalbox/kernel";
import type { RemoteGuardrailOptions } from "@signalbox/kernel/guardrails";
import { checkRemoteOptions, REMOTE_SHAPES } from "@signalbox/kernel/guardrails";

/** Keys of AWS. */
export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: Secret;
  /** Of credentials that end. */
  readonly sessionToken?: Secret;
}

/** What a guardrail by Amazon Bedrock can be told. It needs either `credentials` or an `apiKey`. */
export interface BedrockGuardrailOptions extends RemoteGuardrailOptions {
  /** Id or ARN. */
  readonly guardrailId: string;
  /** A number, or `DRAFT`. Default `DRAFT`. */
  readonly guardrailVersion?: string;
  /** `eu-central-1`. */
  readonly region: string;
  /** A function is asked for each question, so it keeps what it has until that ends. */
  readonly credentials?: AwsCredentials | (() => AwsCredentials | Promise<AwsCredentials>);
  /** A Bedrock API key, sent as a bearer token. */
  readonly apiKey?: Secret;
  /** Default `https://bedrock-runtime.<region>.amazonaws.com`. */
  readonly baseUrl?: string;
}

const OWN = {
  guardrailId: z
    .string()
    .regex(
      /^(?:[a-z0-9]+|arn:aws(?:-[^:]+)?:bedrock:[a-z0-9-]{1,20}:[0-9]{12}:guardrail\/[a-z0-9]+)$/,
      "must be an id or ARN",
    ),
  guardrailVersion: z
    .string()
    .regex(/^(?:[1-9][0-9]{0,7}|DRAFT)$/, "must be a number or DRAFT")
    .optional(),
  region: z.string().regex(/^[a-z]{2}(?:-[a-z]+)+-[0-9]$/, "must be a region"),
  credentials: z
    .union([
      z.custom<() => AwsCredentials>((value) => typeof value === "function"),
      z.strictObject({
        accessKeyId: z.string().min(1),
        secretAccessKey: REMOTE_SHAPES.secret,
        sessionToken: REMOTE_SHAPES.secret.optional(),
      }),
    ])
    .optional(),
  apiKey: REMOTE_SHAPES.secret.optional(),
  baseUrl: REMOTE_SHAPES.url.optional(),
};

/** @throws {GatewayError} `option_invalid` */
export function checkOptions(list: readonly BedrockGuardrailOptions[]): void {
  checkRemoteOptions("guardrail-bedrock", list, OWN);
  for (const { name, credentials, apiKey } of list) {
    if ((credentials === undefined) !== (apiKey === undefined)) continue;
    const message = `guardrail-bedrock: ${JSON.stringify(name)} needs either credentials or an apiKey`;
    throw new GatewayError("option_invalid", message, { source: "guardrail-bedrock" });
  }
}
