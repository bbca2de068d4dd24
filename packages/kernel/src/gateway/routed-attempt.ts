import type { Admission, Attempt, Call, CallOptions, State } from "../call.ts";
import type { Deployment } from "../deployment.ts";
import type { GatewayError } from "../errors.ts";
import { toGatewayError } from "../errors.ts";
import type { NativeRequest } from "../native.ts";
import type { OperationName, RequestOf } from "../operation.ts";
import type { Principal } from "../principal.ts";
import type { AttemptRecord, Trace } from "../trace.ts";
import type { Transport } from "../transport.ts";
import { AttemptTransport } from "./attempt-transport.ts";
import { maskedError, sentSecrets } from "./masked-error.ts";

/** A call at one deployment. A class only for speed: one allocation, no copying by spread. */
export class RoutedAttempt implements Attempt {
  readonly id: string;
  readonly operation: OperationName;
  readonly request: RequestOf<OperationName>;
  readonly model: string;
  readonly principal: Principal;
  readonly signal: AbortSignal;
  readonly deadline: number;
  readonly options: CallOptions;
  readonly state: State;
  readonly trace: Trace;
  readonly native: NativeRequest | undefined;
  readonly admission: Admission | undefined;
  readonly deployment: Deployment;
  readonly upstreamModel: string;
  readonly ordinal: number;
  readonly record: AttemptRecord;
  readonly transport: AttemptTransport;

  constructor(
    call: Call,
    deployment: Deployment,
    signal: AbortSignal,
    trace: Trace,
    transport: Transport,
    idleTimeoutMs: number,
  ) {
    this.id = call.id;
    this.operation = call.operation;
    this.request = call.request;
    this.model = call.model;
    this.principal = call.principal;
    this.signal = signal;
    this.deadline = call.deadline;
    this.options = call.options;
    this.state = call.state;
    this.trace = trace;
    this.native = call.native;
    this.admission = call.admission;
    this.deployment = deployment;
    this.upstreamModel = deployment.upstreamModel;
    this.ordinal = trace.attempts.length + 1;
    this.record = {
      ordinal: this.ordinal,
      deployment: deployment.id,
      provider: deployment.provider,
      model: deployment.upstreamModel,
      group: deployment.model,
      region: deployment.region,
      startedMs: trace.elapsedMs(),
      lane: "translated",
    };
    if (call.purpose !== undefined) this.record.purpose = call.purpose;
    this.transport = new AttemptTransport(transport, this, deployment, this.record, idleTimeoutMs);
  }
}

/** Makes the attempt that a provider sees. */
export function createAttempt(
  call: Call,
  deployment: Deployment,
  transport: Transport,
  idleTimeoutMs: number,
): Attempt {
  return new RoutedAttempt(call, deployment, call.signal, call.trace, transport, idleTimeoutMs);
}

/** Whatever the attempt threw, with the provider's name on it and without the secrets that were sent. */
export function attributed(thrown: unknown, { deployment, signal, transport }: RoutedAttempt): GatewayError {
  const thrownError = toGatewayError(thrown, deployment.provider);
  if (thrownError === signal.reason) return thrownError;
  const error = maskedError(thrownError, sentSecrets(deployment, transport.sentHeaders));
  return error.source === undefined ? error.with({ source: deployment.provider }) : error;
}
