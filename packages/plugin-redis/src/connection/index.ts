export { CONNECTION_SHAPE, checkRedisOptions } from "./check-connection.ts";
export type { Evaluation } from "./connection.ts";
export { Connection, RedisFailure } from "./connection.ts";
export type { RedisConnectionOptions, RedisNode } from "./connection-options.ts";
export type { Client } from "./create-client.ts";
export { Script } from "./script.ts";
