export type { RedisConnectionOptions, RedisNode } from "./connection/connection-options.ts";
export type { RedisLimits } from "./limits/redis-limits.ts";
export type { RedisOptions } from "./options.ts";
export type { RedisPlugin } from "./redis.ts";
export { redis } from "./redis.ts";
export type { RedisReservations } from "./reservations/redis-reservations.ts";
export type { RedisState } from "./state/redis-state.ts";
