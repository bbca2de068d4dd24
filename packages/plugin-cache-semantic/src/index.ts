export { MemoryIndex } from "./memory-index.ts";
export type { SemanticCacheOptions } from "./options.ts";
export { semanticCache } from "./semantic-cache.ts";
export type { Neighbour, VectorIndex } from "./vector-index.ts";
