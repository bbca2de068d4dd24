/** How much a `memoryCache` holds. */
export interface MemoryCacheOptions {
  /** Bytes of all answers together, about. Default 64 MiB. */
  readonly maxBytes?: number;
  /** Default 10,000. */
  readonly maxEntries?: number;
  /** A larger answer is not kept. Default 1 MiB. */
  readonly maxEntryBytes?: number;
}
