import type { CallOptions, Deployment, Gateway, Plugin, RouterFactory } from "@signalbox/kernel";
import { createGateway, MemoryState } from "@signalbox/kernel";
import { mock } from "@signalbox/provider-mock";
import type { LimitOptions } from "../../src/limits/deployment-limits.ts";
import { withLimits } from "../../src/limits/deployment-limits.ts";
import { LISTED } from "./limited-calls.ts";

export interface LimitedGateway {
  readonly gateway: Gateway;
  readonly state: MemoryState;
  /** Most attempts that ran at the same time, by deployment. */
  readonly most: ReadonlyMap<string, number>;
  /** Names of calls (`options.traceId`) in the order in which their attempts began. */
  readonly begun: readonly string[];
  ask(options?: CallOptions, signal?: AbortSignal): Promise<string>;
  /** What runs according to the shared state. */
  running(id: string): number;
}

/** A gateway of mock deployments within limits, whose attempts are watched. */
export async function limitedGateway(
  deployments: readonly Partial<Deployment>[],
  options: LimitOptions = {},
  router?: RouterFactory,
): Promise<LimitedGateway> {
  const state = new MemoryState();
  const now = new Map<string, number>();
  const most = new Map<string, number>();
  const begun: string[] = [];
  const plugin: Plugin = {
    name: "limits",
    providers: [mock()],
    sharedState: state,
    strategy: (_models, parts) => withLimits(LISTED, options, parts),
    extensions: ["priority"],
    ...(router !== undefined && { router }),
    layers: {
      attempt: async function* watched(attempt, next) {
        const { id } = attempt.deployment;
        const count = (now.get(id) ?? 0) + 1;
        now.set(id, count);
        most.set(id, Math.max(most.get(id) ?? 0, count));
        begun.push(attempt.options.traceId ?? "");
        try {
          return yield* next(attempt);
        } finally {
          now.set(id, (now.get(id) ?? 0) - 1);
        }
      },
    },
  };
  const gateway = await createGateway({
    plugins: [plugin],
    deployments: deployments.map((each, at) => ({
      id: `d${at}`,
      model: "m",
      provider: "mock",
      upstreamModel: "fixed",
      ...each,
    })),
  });
  return {
    gateway,
    state,
    most,
    begun,
    running: (id) => state.sum(`limits/running/${id}`),
    async ask(callOptions, signal) {
      const reply = await gateway.run({
        operation: "chat",
        request: { model: "m", messages: [{ role: "user", content: [{ type: "text", text: "Hello." }] }] },
        ...(callOptions !== undefined && { options: callOptions }),
        ...(signal !== undefined && { signal }),
      });
      return reply.id;
    },
  };
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
