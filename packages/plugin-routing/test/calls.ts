import type { Call, CallOptions, ChatRequest, Deployment, ModelFacts, Part, Principal } from "@signalbox/kernel";
import { APPLICATION } from "@signalbox/kernel";
import { testCall } from "@signalbox/kernel/testkit";

export interface ChatCallInput {
  readonly text?: string;
  readonly parts?: readonly Part[];
  readonly request?: Partial<ChatRequest>;
  readonly options?: CallOptions;
  readonly principal?: Partial<Principal>;
  readonly signal?: AbortSignal;
}

/** A chat call of model `m`. */
export function chatCall(input: ChatCallInput = {}): Call {
  const { text = "Hello.", parts = [{ type: "text", text }], request, options, principal, signal } = input;
  return testCall({
    operation: "chat",
    request: { model: "m", messages: [{ role: "user", content: parts }], ...request },
    ...(options !== undefined && { options }),
    principal: { ...APPLICATION, ...principal },
    ...(signal !== undefined && { signal }),
  }) as unknown as Call;
}

/** A deployment of model `m`. */
export function deployment(id: string, more: Partial<Deployment> = {}): Deployment {
  return { id, model: "m", provider: "mock", upstreamModel: `up-${id}`, ...more };
}

/** A deployment whose model is known to be so. */
export function known(id: string, info: ModelFacts, more: Partial<Deployment> = {}): Deployment {
  return deployment(id, { ...more, info: info as NonNullable<Deployment["info"]> });
}

/** What stands in `info`. */
export function factsOf({ info }: Deployment): ModelFacts {
  return info ?? {};
}

export function ids(deployments: readonly Deployment[]): readonly string[] {
  return deployments.map(({ id }) => id);
}
