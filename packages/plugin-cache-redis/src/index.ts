export type { RedisCacheOptions } from "./options.ts";
export { redisCache } from "./redis-cache.ts";
