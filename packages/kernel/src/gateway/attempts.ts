import type { Attempt, Call, CallOptions, State } from "../call.ts";
import type { Deployment, ModelTable } from "../deployment.ts";
import { GatewayError, toGatewayError } from "../errors.ts";
import type { Moments } from "../moments.ts";
import type { NativeRequest } from "../native.ts";
import type { OperationName, Reply, RequestOf } from "../operation.ts";
import type { Principal } from "../principal.ts";
import { mayUse } from "../principal.ts";
import type { Provider } from "../provider.ts";
import type { Router } from "../router.ts";
import type { AttemptRecord, Trace } from "../trace.ts";
import type { Transport } from "../transport.ts";
import type { Usage } from "../usage.ts";
import { AttemptTransport } from "./attempt-transport.ts";
import { modelNotFound } from "./listed-router.ts";
import { maskedError, sentSecrets } from "./masked-error.ts";

/** A call at one deployment. A class only for speed: one allocation, no copying by spread. */
class RoutedAttempt implements Attempt {
  readonly id: string;
  readonly operation: OperationName;
  readonly request: RequestOf<OperationName>;
  readonly principal: Principal;
  readonly signal: AbortSignal;
  readonly deadline: number;
  readonly options: CallOptions;
  readonly state: State;
  readonly trace: Trace;
  readonly native: NativeRequest | undefined;
  readonly deployment: Deployment;
  readonly upstreamModel: string;
  readonly ordinal: number;
  readonly record: AttemptRecord;
  readonly transport: AttemptTransport;

  constructor(call: Call, deployment: Deployment, ordinal: number, transport: Transport, idleTimeoutMs: number) {
    this.id = call.id;
    this.operation = call.operation;
    this.request = call.request;
    this.principal = call.principal;
    this.signal = call.signal;
    this.deadline = call.deadline;
    this.options = call.options;
    this.state = call.state;
    this.trace = call.trace;
    this.native = call.native;
    this.deployment = deployment;
    this.upstreamModel = deployment.upstreamModel;
    this.ordinal = ordinal;
    this.record = {
      ordinal,
      deployment: deployment.id,
      provider: deployment.provider,
      model: deployment.upstreamModel,
      startedMs: call.trace.elapsedMs(),
      lane: "translated",
    };
    this.transport = new AttemptTransport(transport, call, deployment, this.record, idleTimeoutMs);
  }
}

/** Makes the attempt that a provider sees. */
export function createAttempt(
  call: Call,
  deployment: Deployment,
  ordinal: number,
  transport: Transport,
  idleTimeoutMs: number,
): Attempt {
  return new RoutedAttempt(call, deployment, ordinal, transport, idleTimeoutMs);
}

export interface AttemptsOptions {
  readonly models: ModelTable;
  readonly router: Router;
  readonly providers: ReadonlyMap<string, Provider>;
  readonly transport: Transport;
  readonly observers: Moments;
  readonly idleTimeoutMs: number;
  /** The stage `attempt` around the provider. */
  readonly answer: (attempt: Attempt) => Reply<OperationName>;
}

/** Refuses a model that the caller was not granted; one that does not exist is `model_not_found` for everyone. */
export function checkGrant(call: Call, models: ModelTable): void {
  const { model } = call.request;
  if (mayUse(call.principal, model)) return;
  if (models.deployments(model).length === 0) throw modelNotFound(call, models);
  throw new GatewayError("model_not_allowed", `this key may not use model ${JSON.stringify(model)}`, {
    param: "model",
  });
}

/** Why the deployment cannot serve the call at all, if so. */
export function cannotServe(call: Call, deployment: Deployment, provider: Provider | undefined): string | undefined {
  if (provider === undefined) return `provider "${deployment.provider}" is not there`;
  if (provider.operations[call.operation] === undefined) {
    return `provider "${provider.name}" does not offer the operation "${call.operation}"`;
  }
  return undefined;
}

type Candidates = Iterator<Deployment> | AsyncIterator<Deployment>;

function candidatesOf(routed: Iterable<Deployment> | AsyncIterable<Deployment>): Candidates {
  return Symbol.iterator in routed ? routed[Symbol.iterator]() : routed[Symbol.asyncIterator]();
}

function nothingTried(call: Call): GatewayError {
  const skipped = call.trace.skipped ?? [];
  const reasons = [...new Set(skipped.map(({ reason }) => reason))].join("; ");
  return new GatewayError(
    "unsupported_operation",
    `no deployment of model ${JSON.stringify(call.request.model)} can serve this request: ${reasons || "none is left"}`,
    { param: "model" },
  );
}

/** Whatever the attempt threw, with the provider's name on it and without the secrets that were sent. */
function attributed(thrown: unknown, { deployment, signal, transport }: RoutedAttempt): GatewayError {
  const thrownError = toGatewayError(thrown, deployment.provider);
  if (thrownError === signal.reason) return thrownError;
  const error = maskedError(thrownError, sentSecrets(deployment, transport.sentHeaders));
  return error.source === undefined ? error.with({ source: deployment.provider }) : error;
}

/** The first failure is the one that says most; the others are listed beside it. */
function chainError(first: GatewayError, failures: readonly GatewayError[]): GatewayError {
  if (failures.length < 2) return first;
  const attempts = failures.map(({ source, status, code }) => ({ provider: source, status, code }));
  return first.with({ details: { ...first.details, attempts } });
}

/**
 * The innermost part of the outer stages: pulls deployments from the router and tries them until one answers. The next
 * one is tried only after a retryable failure before the first event.
 */
export function attempts(options: AttemptsOptions): (call: Call) => Reply<OperationName> {
  const { models, router, providers, transport, observers, idleTimeoutMs, answer } = options;

  return async function* tryDeployments(call) {
    checkGrant(call, models);
    const candidates = candidatesOf(router.route(call));
    const failures: GatewayError[] = [];
    const dropped = call.trace.droppedParams;
    let ordinal = 0;
    try {
      for (;;) {
        const pulled = candidates.next();
        const candidate = "then" in pulled ? await pulled : pulled;
        if (candidate.done === true) break;
        const deployment = candidate.value;
        const obstacle = cannotServe(call, deployment, providers.get(deployment.provider));
        if (obstacle !== undefined) {
          call.trace.skip(deployment.id, obstacle);
          continue;
        }
        ordinal += 1;
        // what an attempt leaves out is its own; what is missing from the call is missing from all
        call.trace.droppedParams = dropped?.slice();
        const attempt = new RoutedAttempt(call, deployment, ordinal, transport, idleTimeoutMs);
        call.trace.attempts.push(attempt.record);
        observers.attemptStarted?.(attempt);
        const startedAt = call.trace.startedAt + attempt.record.startedMs;
        let firstEventAt = 0;
        const reply = answer(attempt);
        let open = true;
        try {
          for (;;) {
            const step = await reply.next();
            if (step.done === true) {
              open = false;
              const endedAt = performance.now();
              attempt.record.endedMs = endedAt - call.trace.startedAt;
              observers.attemptSucceeded?.(attempt, (step.value as { usage?: Usage }).usage);
              router.report?.(deployment, {
                ok: true,
                firstEventMs: (firstEventAt || endedAt) - startedAt,
                durationMs: endedAt - startedAt,
              });
              return step.value;
            }
            if (firstEventAt === 0) firstEventAt = performance.now();
            yield step.value;
          }
        } catch (thrown) {
          // A generator that has thrown is finished.
          open = false;
          const error = attributed(thrown, attempt);
          const endedAt = performance.now();
          attempt.record.endedMs = endedAt - call.trace.startedAt;
          attempt.record.code = error.code;
          observers.attemptFailed?.(attempt, error);
          router.report?.(deployment, {
            ok: false,
            error,
            firstEventMs: (firstEventAt || endedAt) - startedAt,
            durationMs: endedAt - startedAt,
          });
          failures.push(error);
          if (firstEventAt !== 0 || !error.retryable || call.signal.aborted) {
            throw failures.length > 1 && firstEventAt === 0
              ? chainError(call.signal.aborted ? error : (failures[0] as GatewayError), failures)
              : error;
          }
        } finally {
          // The reader left while the stream was open.
          if (open) {
            attempt.record.endedMs = call.trace.elapsedMs();
            await reply.return(undefined as never);
          }
        }
      }
    } finally {
      await candidates.return?.();
    }
    const [first] = failures;
    throw first === undefined ? nothingTried(call) : chainError(first, failures);
  };
}
