import type {
  Attempt,
  Candidates,
  Deployment,
  Gateway,
  GatewayOptions,
  Plugin,
  Reply,
  Router,
  RouterFactory,
  Strategy,
} from "@signalbox/kernel";
import { createGateway, GatewayError } from "@signalbox/kernel";
import { failWith, sayText, scripted, textEvents, textResult } from "./scripted-provider.ts";

export type Script = (attempt: Attempt<"chat">) => Reply<"chat">;

/** Answers with its deployment's id. */
export const says: Script = (attempt) => sayText(attempt, attempt.deployment.id);

/** Fails before its first event. */
export const fails =
  (
    code: GatewayError["code"] = "provider_error",
    options: ConstructorParameters<typeof GatewayError>[2] = {},
  ): Script =>
  ({ deployment }) =>
    failWith(new GatewayError(code, `${deployment.id} failed`, options));

/** Sends two events, then fails. */
export const breaks: Script = async function* ({ deployment }) {
  yield* textEvents(["a", "b"]).slice(0, 2);
  throw new GatewayError("provider_error", `${deployment.id} broke`);
};

/** Never answers; listens to the signal. */
// biome-ignore lint/correctness/useYield: never gets that far
export const hangs: Script = async function* ({ signal }) {
  return await untilAborted(signal);
};

/** Sends one event, then nothing; listens to the signal. */
export const stalls: Script = async function* ({ signal }) {
  yield* textEvents(["a"]).slice(0, 1);
  return await untilAborted(signal);
};

/** Answers after a while; listens to the signal. */
export const saysAfter = (waitMs: number): Script =>
  // biome-ignore lint/correctness/useYield: a reply without events
  async function* ({ deployment, signal }) {
    await Promise.race([pause(waitMs), untilAborted(signal)]);
    return textResult(deployment.id);
  };

/** Fails after a while; listens to the signal. */
export const failsAfter = (waitMs: number, code: GatewayError["code"] = "provider_error"): Script =>
  // biome-ignore lint/correctness/useYield: fails before its first event
  async function* ({ deployment, signal }) {
    await Promise.race([pause(waitMs), untilAborted(signal)]);
    throw new GatewayError(code, `${deployment.id} failed late`);
  };

export function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    if (signal.aborted) reject(signal.reason);
    else signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

export interface DrivenOptions {
  /** By deployment id. */
  readonly scripts: Readonly<Record<string, Script>>;
  /** Default: all deployments as listed. */
  readonly route?: (deployments: readonly Deployment[], call: Parameters<Router["route"]>[0]) => Candidates;
  readonly router?: Partial<Router>;
  readonly strategy?: Strategy;
  readonly plugins?: readonly Plugin[];
  readonly options?: Partial<GatewayOptions>;
}

export interface Driven {
  readonly gateway: Gateway;
  /** `begin a`, `report a ok`, `report a provider_error (abandoned)`, as the router was told. */
  readonly log: string[];
  /** Ids in the order in which the provider was asked. */
  readonly asked: readonly string[];
}

/** A gateway with one model `m`, a deployment for every script, and a router that writes down what it is told. */
export async function drivenGateway({
  scripts,
  route,
  router,
  strategy,
  plugins,
  options,
}: DrivenOptions): Promise<Driven> {
  const log: string[] = [];
  const asked: string[] = [];
  const provider = scripted("shop", (attempt) => {
    asked.push(attempt.deployment.id);
    return (scripts[attempt.deployment.id] as Script)(attempt);
  });
  const factory: RouterFactory = (models) => ({
    route(call) {
      const deployments = models.deployments(call.model, call.principal);
      return route === undefined ? deployments : route(deployments, call);
    },
    begin: ({ id }) => void log.push(`begin ${id}`),
    report: ({ id }, { ok, error, abandoned }) =>
      void log.push(`report ${id} ${ok ? "ok" : error?.code}${abandoned === true ? " (abandoned)" : ""}`),
    ...router,
  });
  const gateway = await createGateway({
    plugins: [
      { name: "vendors", providers: [provider], router: factory, ...(strategy !== undefined && { strategy }) },
      ...(plugins ?? []),
    ],
    deployments: Object.keys(scripts).map((id) => ({ id, model: "m", provider: "shop", upstreamModel: `up-${id}` })),
    ...options,
  });
  return { gateway, log, asked };
}

/** A chat call of model `m`. */
export function chat(gateway: Gateway, fields: object = {}) {
  return gateway.open({ operation: "chat", request: { model: "m", messages: [], ...fields } });
}

/** The text of the result, or the error's code. */
export async function outcomeOf(opened: ReturnType<typeof chat>): Promise<string> {
  try {
    for (;;) {
      const step = await opened.reply.next();
      if (step.done !== true) continue;
      const [part] = step.value.choices[0]?.content ?? [];
      return part?.type === "text" ? part.text : "no text";
    }
  } catch (thrown) {
    return (thrown as GatewayError).code;
  }
}
