/** What a load generator is asked to do. */
export interface LoadJob {
  readonly port: number;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly streamed: boolean;
  readonly connections: number;
  /** Connections are opened evenly over this time, so that streams do not begin all at once. */
  readonly rampMs: number;
  /** Not counted: connections are made, queues fill. */
  readonly settleMs: number;
  readonly durationMs: number;
}

export interface Quantiles {
  readonly p50: number;
  readonly p99: number;
}

export interface LoadReport {
  readonly durationMs: number;
  readonly replies: number;
  /** Server-sent events. */
  readonly chunks: number;
  readonly latencyMs: Quantiles;
  readonly firstChunkMs: Quantiles;
  /** The first few failures, in words. */
  readonly failures: readonly string[];
}
