import type { Deployment } from "./deployment.ts";
import type { NativeRequest } from "./native.ts";
import type { OperationName, RequestOf } from "./operation.ts";
import type { Principal } from "./principal.ts";
import type { AttemptRecord, Trace } from "./trace.ts";
import type { Transport } from "./transport.ts";

/** Per-call storage for layers, keyed by a symbol of the layer's own. */
export type State = Map<symbol, unknown>;

/** Per-request wishes that are not part of the request to the model. */
export interface CallOptions {
  /** Drop parameters that a model does not take, and report them. Default: the deployment's setting. */
  readonly dropParams?: boolean;
  readonly additionalDropParams?: readonly string[];
  readonly allowedParams?: readonly string[];
  /** Total time for this call; can only lower the gateway's. */
  readonly timeoutMs?: number;
  /** Until a stream begins, for each try; can only lower the deployment's. */
  readonly streamTimeoutMs?: number;
  /** Models to try after the one asked for. */
  readonly fallbacks?: readonly string[];
  readonly disableFallbacks?: boolean;
  readonly tags?: readonly string[];
  readonly endUserId?: string;
  readonly sessionId?: string;
  readonly traceId?: string;
  /** The header `cache-control`, as it came. */
  readonly cacheControl?: string;
  /** Contract fields of plugins: `cache`, `guardrails`, … as the client sent them. */
  readonly extensions?: Readonly<Record<string, unknown>>;
}

/**
 * Lets a call go on while a store is still asked whether it may: what the call has to ask next goes along in the same round
 * trip. Until all is decided nothing is sent to a provider, no guardrail or cache is asked, and nothing leaves.
 */
export interface Admission {
  /** Resolves when the call is admitted, rejects with the denial; undefined when nothing is outstanding. */
  readonly outstanding: Promise<void> | undefined;
  /** What was held has been refused: the call has ended as if it had never gone on. */
  readonly denied: boolean;
  /** A rejection ends the call with this error, whatever has happened to it meanwhile. */
  hold(decision: Promise<void>): void;
}

/** One request of one principal, on its way through the layers. Immutable, but for `state` and `trace`. */
export interface Call<Name extends OperationName = OperationName> {
  /** Version 7 UUID; `x-signalbox-call-id`. */
  readonly id: string;
  readonly operation: Name;
  readonly request: RequestOf<Name>;
  /** The public model that serves it: the one asked for (`request.model`), or what an alias or a selector made of it. */
  readonly model: string;
  readonly principal: Principal;
  /** Fires when the caller leaves or the deadline passes; `reason` is a `GatewayError`. */
  readonly signal: AbortSignal;
  /** On the scale of `performance.now()`. */
  readonly deadline: number;
  readonly options: CallOptions;
  readonly state: State;
  readonly trace: Trace;
  readonly native?: NativeRequest | undefined;
  /** Undefined outside a gateway: then whoever asks a store waits for it. */
  readonly admission?: Admission | undefined;
  /** Why a layer runs the call again: stands in the records of the attempts that this makes. */
  readonly purpose?: AttemptRecord["purpose"];
}

/** One try of a call at one deployment. */
export interface Attempt<Name extends OperationName = OperationName> extends Call<Name> {
  readonly deployment: Deployment;
  /** The name to use upstream: `deployment.upstreamModel`. */
  readonly upstreamModel: string;
  /** 1 for the first try. */
  readonly ordinal: number;
  /** This attempt's line in the trace. */
  readonly record: AttemptRecord;
  /** Bound to this attempt: signal, timeouts and trace are taken care of. */
  readonly transport: Transport;
}

/** The same call with another request. It leaves the native lane: the client's bytes no longer say what is meant. */
export function withRequest<C extends Call>(call: C, request: C["request"]): C {
  return { ...call, request };
}

/**
 * The client's bytes, if they may be sent as they are to a provider that speaks `dialect`; then the attempt's record
 * says that it took the native lane.
 */
export function nativeRequest(attempt: Attempt, dialect: string): NativeRequest | undefined {
  const native = attempt.native;
  if (native === undefined || native.dialect !== dialect || native.request !== attempt.request) return undefined;
  attempt.record.lane = "native";
  return native;
}
