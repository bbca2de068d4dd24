import { z } from "zod";
import { GatewayError } from "@signalbox/kernel";
import { CONNECTION_SHAPE, checkRedisOptions } from "./connection/check-connection.ts";
import type { RedisOptions } from "./options.ts";

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
  waitForReplicas: z.int().min(0).max(100).exactOptional(),
});

/** @throws {GatewayError} `option_invalid` naming the option, and never its value */
export function checkOptions(options: unknown): void {
  checkRedisOptions("redis", schema, options);
  const { cluster, waitForReplicas } = options as RedisOptions;
  if (cluster !== undefined && (waitForReplicas ?? 0) > 0) {
    const message = 'redis: "waitForReplicas" cannot be told a cluster';
    throw new GatewayError("option_invalid", message, { param: "waitForReplicas", source: "redis" });
  }
}
