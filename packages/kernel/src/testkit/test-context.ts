import type { Attempt, Call, CallOptions } from "../call.ts";
import type { Deployment } from "../deployment.ts";
import { createAttempt } from "../gateway/routed-attempt.ts";
import { createTransport } from "../http/index.ts";
import { IdSource } from "../ids.ts";
import type { NativeRequest } from "../native.ts";
import type { OperationName, RequestOf } from "../operation.ts";
import type { Principal } from "../principal.ts";
import { APPLICATION } from "../principal.ts";
import { Trace } from "../trace.ts";
import type { Transport } from "../transport.ts";

const TEST_TIMEOUT_MS = 10_000;

/** What `testCall` makes a call of. */
export interface TestCallInput<Name extends OperationName> {
  readonly operation: Name;
  readonly request: RequestOf<Name>;
  /** Default: the application itself. */
  readonly principal?: Principal;
  readonly options?: CallOptions;
  /** Default: one that never fires. As in a gateway, its `reason` should be a `GatewayError`. */
  readonly signal?: AbortSignal;
  /** Without `request`: the call's own is added. */
  readonly native?: Omit<NativeRequest, "request"> | undefined;
}

/** A call as layers, caches, routers and guardrails see it, without a gateway. */
export function testCall<Name extends OperationName>(input: TestCallInput<Name>): Call<Name> {
  const { operation, request, native } = input;
  const trace = new Trace();
  return {
    id: new IdSource().next(),
    operation,
    request,
    model: request.model,
    principal: input.principal ?? APPLICATION,
    signal: input.signal ?? new AbortController().signal,
    deadline: trace.startedAt + TEST_TIMEOUT_MS,
    options: input.options ?? {},
    state: new Map(),
    trace,
    ...(native !== undefined && { native: { ...native, request } }),
  };
}

/** What `testAttempt` makes an attempt of. */
export interface TestAttemptInput<Name extends OperationName> extends TestCallInput<Name> {
  /** What is missing is filled in: model and upstream model are the request's. */
  readonly deployment?: Partial<Deployment>;
  /** Default: the gateway's own transport, new for this attempt; give one to share connections, and to close it. */
  readonly transport?: Transport;
  /** Longest silence within a stream, when the deployment does not say. Default 10,000. */
  readonly idleTimeoutMs?: number;
}

/** An attempt as a provider sees it, without a gateway: bound to signal and time limits in the same way. */
export function testAttempt<Name extends OperationName>(input: TestAttemptInput<Name>): Attempt<Name> {
  const call = testCall(input);
  const model = call.request.model;
  const deployment: Deployment = {
    id: "test",
    model,
    provider: "test",
    upstreamModel: model,
    timeoutMs: TEST_TIMEOUT_MS,
    ...input.deployment,
  };
  return createAttempt(
    call as unknown as Call,
    deployment,
    input.transport ?? createTransport(),
    input.idleTimeoutMs ?? TEST_TIMEOUT_MS,
  ) as unknown as Attempt<Name>;
}
