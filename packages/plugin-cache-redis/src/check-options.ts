import { z } from "zod";
import { CONNECTION_SHAPE, checkRedisOptions } from "@signalbox/plugin-redis/connection";

const schema = z.strictObject({
  ...CONNECTION_SHAPE,
  namespace: z
    .string()
    .regex(/^[^{}\s]{1,100}$/, "a name without spaces and braces")
    .exactOptional(),
  maxEntryBytes: z.int().min(1).exactOptional(),
  compressFromBytes: z.int().min(0).exactOptional(),
  onUnreachable: z.enum(["fail", "wait", "skip"]).exactOptional(),
});

/** @throws {GatewayError} `option_invalid` naming the option, and never its value */
export function checkOptions(options: unknown): void {
  checkRedisOptions("cache-redis", schema, options);
}
