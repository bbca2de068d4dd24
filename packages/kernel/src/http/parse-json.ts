import type { Attempt } from "../call.ts";
import { GatewayError } from "../errors.ts";

/** A zod schema is one. `parse` throws for a value of another shape. */
export interface JsonSchema<T> {
  parse(value: unknown): T;
}

/**
 * What the upstream wrote as JSON: a body, or the data of one event.
 *
 * ```ts
 * const { words } = parseJson(attempt, data, z.object({ words: z.string() }));
 * ```
 *
 * @throws {GatewayError} `provider_error` for what is not JSON, or not of the schema's shape
 */
export function parseJson(attempt: Pick<Attempt, "deployment">, json: Buffer | string): unknown;
export function parseJson<T>(attempt: Pick<Attempt, "deployment">, json: Buffer | string, schema: JsonSchema<T>): T;
export function parseJson(
  { deployment }: Pick<Attempt, "deployment">,
  json: Buffer | string,
  schema?: JsonSchema<unknown>,
): unknown {
  const source = deployment.provider;
  let value: unknown;
  try {
    value = JSON.parse(json.toString());
  } catch {
    // the engine's own message quotes the text
    throw new GatewayError("provider_error", `provider ${JSON.stringify(source)} sent what is not JSON`, { source });
  }
  if (schema === undefined) return value;
  try {
    return schema.parse(value);
  } catch (cause) {
    const message = `provider ${JSON.stringify(source)} sent JSON of an unknown shape`;
    throw new GatewayError("provider_error", message, { source, cause });
  }
}
