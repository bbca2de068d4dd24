import type { Deployment, OperationName, RequestOf } from "@signalbox/kernel";

/** A cheap request of some operation. */
export interface ProbeRequest<Name extends OperationName = OperationName> {
  readonly operation: Name;
  readonly request: RequestOf<Name>;
}

/** How a deployment is asked whether it is well. */
export interface Probe {
  /** Concrete: what is asked for a wildcard is its `healthCheckModel`. */
  readonly deployment: Deployment;
  readonly input: ProbeRequest;
  /** `info.healthCheckTimeoutMs` */
  readonly timeoutMs: number | undefined;
}

/** Some vendors refuse fewer. */
const MAX_OUTPUT_TOKENS = 16;
const WORD = "Hi";

const TEXT = [{ type: "text" as const, text: WORD }];

/** What is asked, by `info.mode`. Pictures, speech and recordings have no cheap request. */
const REQUESTS: Readonly<Record<string, (model: string) => ProbeRequest>> = {
  chat,
  responses: chat,
  completion: (model) => probe("complete", { model, prompts: [WORD], maxOutputTokens: MAX_OUTPUT_TOKENS }),
  embedding: (model) => probe("embed", { model, inputs: [WORD] }),
  rerank: (model) => probe("rerank", { model, query: WORD, documents: [WORD] }),
  moderation: (model) => probe("moderate", { model, inputs: [TEXT] }),
};

function chat(model: string): ProbeRequest {
  return probe("chat", { model, messages: [{ role: "user", content: TEXT }], maxOutputTokens: MAX_OUTPUT_TOKENS });
}

function probe<Name extends OperationName>(operation: Name, request: RequestOf<Name>): ProbeRequest {
  return { operation, request } as unknown as ProbeRequest;
}

/** How to ask it; undefined for a wildcard without `info.healthCheckModel`, and for what has no cheap request. */
export function probeOf(deployment: Deployment): Probe | undefined {
  const { info = {} } = deployment;
  const mode = info["mode"] ?? "chat";
  if (typeof mode !== "string" || !Object.hasOwn(REQUESTS, mode)) return undefined;
  const concrete = concreteDeployment(deployment, info["healthCheckModel"]);
  if (concrete === undefined) return undefined;
  const timeoutMs = info["healthCheckTimeoutMs"];
  return {
    deployment: concrete,
    input: (REQUESTS[mode] as (model: string) => ProbeRequest)(concrete.model),
    timeoutMs: typeof timeoutMs === "number" && timeoutMs > 0 ? timeoutMs : undefined,
  };
}

function concreteDeployment(deployment: Deployment, name: unknown): Deployment | undefined {
  const { model, provider, upstreamModel } = deployment;
  const wildcard = model.includes("*") || upstreamModel.includes("*");
  if (typeof name !== "string" || name === "") return wildcard ? undefined : deployment;
  const slug = `${provider}/`;
  const wanted = name.startsWith(slug) ? name.slice(slug.length) : name;
  return { ...deployment, model: model.replace("*", wanted), upstreamModel: wanted };
}
