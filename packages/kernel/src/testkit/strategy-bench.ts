import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { Call } from "../call.ts";
import type { Deployment, ModelTable } from "../deployment.ts";
import { GatewayError } from "../errors.ts";
import { createModelTable } from "../gateway/model-table.ts";
import type { Principal } from "../principal.ts";
import type { AttemptWatcher, Outcome, RoutingParts } from "../router.ts";
import { MemoryState } from "../state/memory-state.ts";
import { testCall } from "./test-context.ts";

// What the suites of strategies and of routers share.

/** How attempts end at their worst; the last ones do not occur. */
export const STRANGE_OUTCOMES: readonly Outcome[] = [
  { ok: true, firstEventMs: 1, durationMs: 2, usage: { inputTokens: 3, outputTokens: 2 } },
  { ok: true, firstEventMs: 0, durationMs: 0 },
  {
    ok: false,
    error: new GatewayError("provider_rate_limited", "slow down", { source: "kit", retryAfterMs: 60_000 }),
    firstEventMs: 5,
    durationMs: 5,
  },
  {
    ok: false,
    error: new GatewayError("provider_auth_failed", "who?", { source: "kit" }),
    firstEventMs: 1,
    durationMs: 1,
  },
  { ok: false, error: new GatewayError("provider_error", "cut", { source: "kit" }), firstEventMs: 1, durationMs: 9 },
  { ok: false, abandoned: true, error: new GatewayError("client_closed", "gone"), firstEventMs: 3, durationMs: 3 },
  { ok: false, firstEventMs: Number.NaN, durationMs: -1 },
  {
    ok: true,
    firstEventMs: Number.POSITIVE_INFINITY,
    durationMs: Number.POSITIVE_INFINITY,
    usage: { inputTokens: Number.NaN, outputTokens: -1 },
  },
];

/** A deployment that no table has: it was removed while it answered. */
export const STRANGER: Deployment = { id: "gone", model: "gone", provider: "kit", upstreamModel: "gone" };

/** Three models, one of them with three deployments, and a wildcard; as the author completes them. */
export function kitTable(complete: (deployment: Deployment, index: number) => Deployment = (same) => same): ModelTable {
  const deployments: readonly Deployment[] = [
    ...["a", "b", "c"].map((id) => ({ id, model: "kit-three", provider: "kit", upstreamModel: `up-${id}` })),
    { id: "d", model: "kit-one", provider: "kit", upstreamModel: "up-d" },
    { id: "e", model: "vendor/*", provider: "kit", upstreamModel: "*" },
    { id: "f", model: "kit-other", provider: "kit", upstreamModel: "up-f" },
  ];
  return createModelTable(deployments.map(complete), []);
}

export function kitParts(): RoutingParts {
  return { state: new MemoryState(), facts: (deployment) => deployment.info ?? {}, fallbacks: {} };
}

export function kitCall(model: string, signal?: AbortSignal, text: string = "Hello.", principal?: Principal): Call {
  const request = { model, messages: [{ role: "user", content: [{ type: "text", text }] }] } as const;
  return testCall({
    operation: "chat",
    request,
    ...(signal !== undefined && { signal }),
    ...(principal !== undefined && { principal }),
  }) as unknown as Call;
}

/** An attempt that begins, streams or not, and ends at once. */
export function attempted(watcher: AttemptWatcher, deployment: Deployment, call: Call, outcome: Outcome): void {
  watcher.begin?.(deployment, call);
  if (outcome.firstEventMs < outcome.durationMs) watcher.answered?.(deployment, outcome.firstEventMs, call);
  watcher.report?.(deployment, outcome, call);
}

/** Heap in use, in bytes, without what can be collected. */
export function liveHeap(): number {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  collect();
  collect();
  return process.memoryUsage().heapUsed;
}
