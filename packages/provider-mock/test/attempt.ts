import type {
  Attempt,
  CanonicalChatEvent,
  ChatRequest,
  Deployment,
  OperationName,
  Provider,
  Reply,
  RequestOf,
} from "@signalbox/kernel";
import { APPLICATION, isFrame, Trace } from "@signalbox/kernel";

/** An attempt as the gateway would make it, for a provider that does not use the transport. */
export function attemptOf<Name extends OperationName>(
  operation: Name,
  request: RequestOf<Name>,
  more: { readonly signal?: AbortSignal; readonly deployment?: Partial<Deployment> } = {},
): Attempt<Name> {
  const { model } = request as { model: string };
  const refuse = (): never => {
    throw new Error("the mock provider must not use the network");
  };
  return {
    id: "01900000-0000-7000-8000-000000000000",
    operation,
    request,
    model,
    principal: APPLICATION,
    signal: more.signal ?? new AbortController().signal,
    deadline: Number.POSITIVE_INFINITY,
    options: {},
    state: new Map(),
    trace: new Trace(),
    record: { ordinal: 1, deployment: "d", provider: "mock", model, group: model, startedMs: 0, lane: "translated" },
    deployment: { id: "d", model, provider: "mock", upstreamModel: model, ...more.deployment },
    upstreamModel: model,
    ordinal: 1,
    transport: { send: refuse, open: refuse },
  };
}

/** Begins an operation of a provider that must have it. */
export function begin<Name extends OperationName>(
  provider: Provider,
  operation: Name,
  request: RequestOf<Name>,
  more: Parameters<typeof attemptOf>[2] = {},
): Reply<Name> {
  const answer = provider.operations[operation];
  if (answer === undefined) throw new Error(`no operation ${operation}`);
  return answer(attemptOf(operation, request, more));
}

export function user(text: string, more: Omit<Partial<ChatRequest>, "messages"> = {}): ChatRequest {
  return { model: "echo", messages: [{ role: "user", content: [{ type: "text", text }] }], ...more };
}

export function canonical(events: readonly unknown[]): readonly CanonicalChatEvent[] {
  if (events.some(isFrame)) throw new Error("the mock provider must not send frames");
  return events as readonly CanonicalChatEvent[];
}
