import type { Call, CallOptions, OperationName, Principal } from "@signalbox/kernel";
import { mayUse, Trace } from "@signalbox/kernel";

/** Waits behind every other call, where calls wait. */
const LOWEST_PRIORITY = Number.MAX_SAFE_INTEGER;

/** Whether the name that was asked for is the caller's own: it says nothing about anybody else's model of that name. */
export function isOwnAlias({ principal, request }: Call): boolean {
  return principal.aliases !== undefined && Object.hasOwn(principal.aliases, request.model);
}

/** Whether the caller may use the model at all: a call that will be refused is not copied. As the kernel decides it. */
export function mayCall(call: Call): boolean {
  const { principal, request, model } = call;
  return mayUse(principal, model) || (model !== request.model && !isOwnAlias(call) && mayUse(principal, request.model));
}

/** Who may use the model may be mirrored to its target. One try: a copy is not worth a retry or a fallback. */
function mirrored(principal: Principal, to: string): Principal {
  return {
    ...principal,
    models: mayUse(principal, to) ? principal.models : [...principal.models, to],
    routing: { disableFallbacks: true, retries: 0 },
  };
}

/**
 * What says how the request is to be understood, and for whom it is. Sessions, fallbacks, limits of time and the wishes
 * that plugins read belong to the call itself: in a copy they would pin its session elsewhere, or multiply it.
 */
function mirroredOptions(options: CallOptions): CallOptions {
  const { dropParams, additionalDropParams, allowedParams, tags, endUserId, traceId } = options;
  return {
    disableFallbacks: true,
    extensions: { priority: LOWEST_PRIORITY },
    ...(dropParams !== undefined && { dropParams }),
    ...(additionalDropParams !== undefined && { additionalDropParams }),
    ...(allowedParams !== undefined && { allowedParams }),
    ...(tags !== undefined && { tags }),
    ...(endUserId !== undefined && { endUserId }),
    ...(traceId !== undefined && { traceId }),
  };
}

/** The same request as a call of its own, which shares nothing with the first that either could change. */
export function mirrorCall<Name extends OperationName>(
  call: Call<Name>,
  to: string,
  id: string,
  signal: AbortSignal,
  timeoutMs: number,
): Call<Name> {
  const trace = new Trace();
  trace.note("route", `mirror of call ${call.id} to ${JSON.stringify(call.model)}`);
  return {
    id,
    operation: call.operation,
    request: call.request,
    model: to,
    principal: mirrored(call.principal, to),
    signal,
    deadline: trace.startedAt + timeoutMs,
    options: mirroredOptions(call.options),
    state: new Map(),
    trace,
    native: call.native,
  };
}
