import type { DeploymentState } from "./deployment-state.ts";

/** Times are ISO 8601, durations milliseconds. */
export interface HealthEndpoint {
  readonly model: string;
  readonly model_id: string;
  readonly provider: string;
  readonly upstream_model: string;
  readonly state: DeploymentState["state"];
  readonly code: string | null;
  readonly reason: string | null;
  readonly since: string;
  readonly until: string | null;
  readonly consecutive_failures: number;
  readonly requests_last_minute: number;
  readonly failures_last_minute: number;
  readonly in_flight: number;
  readonly last_success_at: string | null;
  readonly last_failure_at: string | null;
  readonly last_check: {
    readonly at: string;
    readonly status: "healthy" | "unhealthy";
    readonly code: string | null;
    readonly response_time_ms: number;
  } | null;
}

/** What `GET /health` answers. */
export interface HealthOverview {
  readonly healthy_endpoints: readonly HealthEndpoint[];
  readonly unhealthy_endpoints: readonly HealthEndpoint[];
  readonly healthy_count: number;
  readonly unhealthy_count: number;
}

/** The last check of each deployment that was checked, by deployment id. */
export interface LatestChecks {
  readonly latest_health_checks: Readonly<
    Record<
      string,
      {
        readonly model_name: string;
        readonly model_id: string;
        readonly status: "healthy" | "unhealthy";
        readonly error_message: string | null;
        readonly response_time_ms: number;
        readonly checked_at: string;
      }
    >
  >;
  readonly total_models: number;
}

/** Whoever failed last is not healthy, even where it is still used. */
export function overviewOf(states: readonly DeploymentState[]): HealthOverview {
  const healthy = states.filter(({ state }) => state === "healthy").map(endpointOf);
  const unhealthy = states.filter(({ state }) => state !== "healthy").map(endpointOf);
  return {
    healthy_endpoints: healthy,
    unhealthy_endpoints: unhealthy,
    healthy_count: healthy.length,
    unhealthy_count: unhealthy.length,
  };
}

export function latestChecksOf(states: readonly DeploymentState[]): LatestChecks {
  const checks = states.flatMap(({ id, model, lastProbe }) =>
    lastProbe === undefined
      ? []
      : [
          {
            model_name: model,
            model_id: id,
            status: statusOf(lastProbe.ok),
            error_message: lastProbe.code ?? null,
            response_time_ms: lastProbe.durationMs,
            checked_at: isoTime(lastProbe.at),
          },
        ],
  );
  return {
    latest_health_checks: Object.fromEntries(checks.map((check) => [check.model_id, check])),
    total_models: checks.length,
  };
}

function endpointOf(state: DeploymentState): HealthEndpoint {
  const { lastProbe } = state;
  return {
    model: state.model,
    model_id: state.id,
    provider: state.provider,
    upstream_model: state.upstreamModel,
    state: state.state,
    code: state.code ?? null,
    reason: state.reason ?? null,
    since: isoTime(state.since),
    until: optionalTime(state.until),
    consecutive_failures: state.consecutiveFailures,
    requests_last_minute: state.requestsLastMinute,
    failures_last_minute: state.failuresLastMinute,
    in_flight: state.inFlight,
    last_success_at: optionalTime(state.lastSuccess),
    last_failure_at: optionalTime(state.lastFailure),
    last_check:
      lastProbe === undefined
        ? null
        : {
            at: isoTime(lastProbe.at),
            status: statusOf(lastProbe.ok),
            code: lastProbe.code ?? null,
            response_time_ms: lastProbe.durationMs,
          },
  };
}

function statusOf(ok: boolean): "healthy" | "unhealthy" {
  return ok ? "healthy" : "unhealthy";
}

function isoTime(epochMs: number): string {
  return new Date(epochMs).toISOString();
}

function optionalTime(epochMs: number | undefined): string | null {
  return epochMs === undefined ? null : isoTime(epochMs);
}
