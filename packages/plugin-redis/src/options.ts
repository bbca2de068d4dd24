import type { RedisConnectionOptions } from "./connection/connection-options.ts";

/** Where Redis is, and what is kept there. */
export interface RedisOptions extends RedisConnectionOptions {
  /** Begins every key. Gateways with the same namespace share everything. Default `signalbox`. */
  readonly namespace?: string;
  /** Redis is not there at start: the start fails (default), or waits until it is. */
  readonly onUnreachable?: "fail" | "wait";
  /** How long a settled amount is remembered, so that a repetition posts nothing twice. Default 7 days. */
  readonly settledForMs?: number;
  /** When Redis has lost its data: how long every process has to tell what it knows. Default 5,000. */
  readonly rebuildAfterMs?: number;
  /**
   * A reservation counts when so many replicas have it, so that the one that takes over knows of it. While fewer answer,
   * nothing passes a budget. Not with `cluster`. Default 0.
   */
  readonly waitForReplicas?: number;
}
