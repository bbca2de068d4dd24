import type { Deployment } from "@signalbox/kernel";
import type { ConfigValues } from "./config-values.ts";

const DEFAULT_SECONDS = 600;

export interface Timeouts {
  /** For a whole call. */
  readonly timeoutMs: number;
  readonly deployments: readonly Deployment[];
  readonly warnings: readonly string[];
}

export function milliseconds(seconds: number): number {
  return Math.max(1, Math.round(seconds * 1_000));
}

/**
 * Fills in the defaults for single tries, and finds the limit for a whole call: `router_settings.timeout`, else
 * 600 seconds or the longest try, whichever is longer.
 */
export function applyTimeouts(deployments: readonly Deployment[], values: ConfigValues): Timeouts {
  const { timeout, stream_timeout: streamTimeout } = values.router_settings ?? {};
  const requestTimeout = values.litellm_settings?.request_timeout;
  const timed = deployments.map((deployment) => ({
    ...(requestTimeout !== undefined && { timeoutMs: milliseconds(requestTimeout) }),
    ...(streamTimeout !== undefined && { streamTimeoutMs: milliseconds(streamTimeout) }),
    ...deployment,
  }));
  const longest = Math.max(0, ...timed.map(({ timeoutMs = 0 }) => timeoutMs));
  const timeoutMs = timeout === undefined ? Math.max(milliseconds(DEFAULT_SECONDS), longest) : milliseconds(timeout);
  const warnings =
    longest > timeoutMs
      ? [`router_settings.timeout ends every call after ${timeoutMs / 1_000} s, before a try of ${longest / 1_000} s`]
      : [];
  return { timeoutMs, deployments: timed, warnings };
}
