import type { Secret } from "@signalbox/kernel";

/** Options of `keys`. */
export interface KeysOptions {
  /** Keys that may do everything. */
  readonly masterKeys: readonly Secret[];
  /**
   * The server's own secret, at least 32 bytes: what the store holds of a key is worth nothing without it. All processes
   * of a gateway have the same one; with another one every key is unknown.
   */
  readonly pepper: Secret;
  /** How long what is known of a key is used without asking again. Default 60,000. */
  readonly cacheTtlMs?: number;
  /** How long a known key keeps its rights while the store is out of reach. Default 300,000. */
  readonly cacheMaxAgeMs?: number;
  /** Most keys to remember. Default 100,000. */
  readonly cacheSize?: number;
  /** Longest wait for the store when a call comes in. Default 1,000. */
  readonly storeTimeoutMs?: number;
  /** Serve `/key/*`, `/team/*` and the like. Default true. */
  readonly management?: boolean;
}

/** Options with their defaults filled in. */
export interface KeysSettings {
  readonly masterKeys: readonly Secret[];
  readonly pepper: Secret;
  readonly cacheTtlMs: number;
  readonly cacheMaxAgeMs: number;
  readonly cacheSize: number;
  readonly storeTimeoutMs: number;
  readonly management: boolean;
}
