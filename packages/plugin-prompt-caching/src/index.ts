export type { CachePoint, PromptCachingOptions } from "./options.ts";
export { promptCaching } from "./prompt-caching.ts";
