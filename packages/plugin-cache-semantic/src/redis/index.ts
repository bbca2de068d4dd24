export { RedisIndex } from "./redis-index.ts";
export type { RedisIndexOptions } from "./redis-index-options.ts";
