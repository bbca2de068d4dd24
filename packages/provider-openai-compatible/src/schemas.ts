import { z } from "zod";
import { GatewayError, Secret } from "@signalbox/kernel";
import type { Environment } from "./hosts.ts";

const name = z.string().regex(/^[a-z0-9][a-z0-9._-]*$/i, "must be one word: letters, digits, dot, dash, underscore");
const headers = z.record(z.string(), z.string());
const apiKey = z.union([z.string().min(1), z.custom<Secret>(isSecret)]);

export const compatibleSchema: z.ZodType = z.strictObject({
  name,
  baseUrl: z.string().exactOptional(),
  apiKey: apiKey.exactOptional(),
  apiKeyRequired: z.boolean().exactOptional(),
  headers: headers.exactOptional(),
  pathPrefix: z
    .string()
    .regex(/^(\/[^/].*[^/]|\/[^/]|)$/, "must begin with a slash and end without one")
    .exactOptional(),
  quirks: z.record(z.string(), z.unknown()).exactOptional(),
});

export const hostSchema: z.ZodType = z.strictObject({
  name: name.exactOptional(),
  baseUrl: z.string().exactOptional(),
  apiKey: apiKey.exactOptional(),
  headers: headers.exactOptional(),
  // `process.env` is no plain object, which a record wants
  env: z.custom<Environment>((value) => typeof value === "object" && value !== null).exactOptional(),
});

/** @throws {GatewayError} `option_invalid` naming the option */
export function checkOptions(factory: string, schema: z.ZodType, options: unknown): void {
  const checked = schema.safeParse(options);
  if (checked.success) return;
  const issue = checked.error.issues[0];
  const message = `${factory}(${issue?.path.join(".") ?? ""}): ${issue?.message ?? "invalid options"}`;
  throw new GatewayError("option_invalid", message, { cause: checked.error });
}

/** Of any copy of the kernel. */
function isSecret(value: unknown): boolean {
  return typeof (value as Partial<Secret> | null | undefined)?.reveal === "function";
}

export function secretOf(apiKey: string | Secret | undefined): Secret | undefined {
  return typeof apiKey === "string" ? new Secret(apiKey) : apiKey;
}
