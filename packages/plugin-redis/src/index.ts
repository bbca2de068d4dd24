export type { RedisNode, RedisOptions } from "./options.ts";
export type { RedisPlugin } from "./redis.ts";
export { redis } from "./redis.ts";
export type { RebuiltLine, RedisReservationsOptions } from "./reservations/redis-reservations.ts";
