export { memoryCache } from "./memory-cache.ts";
export type { MemoryCacheOptions } from "./options.ts";
