import { z } from "zod";
import { CONNECTION_SHAPE, checkRedisOptions } from "./connection/check-connection.ts";

const HOUR_MS = 3_600_000;
const YEAR_MS = 366 * 24 * HOUR_MS;

const schema = z.strictObject({
  ...CONNECTION_SHAPE,
  // A brace would move the hash tag, and with it the keys of one call to several slots.
  namespace: z
    .string()
    .regex(/^[^{}\s]{1,100}$/, "a name without spaces and braces")
    .exactOptional(),
  onUnreachable: z.enum(["fail", "wait"]).exactOptional(),
  settledForMs: z.int().min(HOUR_MS).max(YEAR_MS).exactOptional(),
  rebuildAfterMs: z.int().min(0).max(HOUR_MS).exactOptional(),
});

/** @throws {GatewayError} `option_invalid` naming the option, and never its value */
export function checkOptions(options: unknown): void {
  checkRedisOptions("redis", schema, options);
}
