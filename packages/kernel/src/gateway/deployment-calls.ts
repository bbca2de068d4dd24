import type { Attempt, Call } from "../call.ts";
import type { Deployment } from "../deployment.ts";
import { GatewayError } from "../errors.ts";
import type { CallInput, OpenCall } from "../gateway.ts";
import type { OperationName, Reply, ResultOf } from "../operation.ts";
import type { Principal } from "../principal.ts";
import type { ListedModel, Provider } from "../provider.ts";
import { resultOf } from "../reply.ts";
import type { Transport } from "../transport.ts";
import { AttemptTransport } from "./attempt-transport.ts";
import { attributed, RoutedAttempt } from "./routed-attempt.ts";

/** Whose name stands on the requests by which a router finds out whether a deployment is well. */
const HEALTH_CHECK: Principal = { id: "health-check", kind: "application", admin: false, models: ["*"] };

/** What asking one deployment, past the router, needs. */
export interface DeploymentCallParts {
  readonly providers: ReadonlyMap<string, Provider>;
  readonly transport: Transport;
  readonly idleTimeoutMs: number;
  readonly open: <Name extends OperationName>(input: CallInput<Name>) => OpenCall<Name>;
  /** The stage `attempt` around the provider. */
  readonly answer: (attempt: Attempt) => Reply<OperationName>;
}

/** As `RouterParts.probe`. */
export async function probeDeployment<Name extends OperationName>(
  { providers, transport, idleTimeoutMs, open, answer }: DeploymentCallParts,
  deployment: Deployment,
  input: Pick<CallInput<Name>, "operation" | "request">,
  signal: AbortSignal,
): Promise<ResultOf<Name>> {
  const { operation } = input;
  if (providers.get(deployment.provider)?.operations[operation] === undefined) {
    throw new GatewayError(
      "unsupported_operation",
      `provider ${JSON.stringify(deployment.provider)} does not offer the operation ${JSON.stringify(operation)}`,
      { source: deployment.provider },
    );
  }
  const call = open({ ...input, principal: HEALTH_CHECK }).call as Call;
  const attempt = new RoutedAttempt(call, deployment, signal, call.trace, transport, idleTimeoutMs);
  try {
    return (await resultOf(answer(attempt))) as ResultOf<Name>;
  } catch (thrown) {
    throw attributed(thrown, attempt);
  }
}

/** As `Gateway.listModels`. */
export async function listDeploymentModels(
  { providers, transport, idleTimeoutMs, open }: DeploymentCallParts,
  deployment: Deployment,
  signal: AbortSignal,
): Promise<readonly ListedModel[]> {
  const listing = providers.get(deployment.provider)?.listModels;
  if (listing === undefined) return [];
  const { call } = open({ operation: "chat", request: { model: deployment.model, messages: [] }, signal });
  const { id, provider, model } = deployment;
  const record = { ordinal: 1, deployment: id, provider, model: "", group: model, startedMs: 0 };
  const bound = new AttemptTransport(transport, call, deployment, { ...record, lane: "translated" }, idleTimeoutMs);
  return await listing({ deployment, transport: bound, signal });
}
