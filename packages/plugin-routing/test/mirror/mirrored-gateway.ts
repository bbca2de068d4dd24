import { channel } from "node:diagnostics_channel";
import type { Attempt, Deployment, Gateway, OperationName, Plugin } from "@signalbox/kernel";
import { createGateway } from "@signalbox/kernel";
import { mock } from "@signalbox/provider-mock";
import type { MirrorLayer, MirrorReport } from "../../src/mirror/mirror-layer.ts";
import { mirrorLayer } from "../../src/mirror/mirror-layer.ts";
import type { MirrorOptions } from "../../src/mirror/mirror-options.ts";

export interface MirroredGateway {
  readonly gateway: Gateway;
  readonly mirror: MirrorLayer;
  /** Attempts of calls and copies, in the order in which they began. */
  readonly attempts: readonly Attempt[];
  /** Attempts whose provider has been closed, or has come to its end. */
  readonly ended: readonly string[];
  /** What was published about this gateway's models. */
  readonly reports: readonly MirrorReport[];
  /** Resolves when so many reports are there. */
  reported(count: number): Promise<readonly MirrorReport[]>;
  close(): Promise<void>;
}

/** `main` and `shadow` are models of the mock provider; `main` is mirrored to `shadow`. */
export async function mirroredGateway(
  shadow: string,
  options: Partial<MirrorOptions> = {},
  more: {
    readonly main?: string;
    readonly plugins?: readonly Plugin[];
    readonly deployments?: readonly Deployment[];
  } = {},
): Promise<MirroredGateway> {
  // a name of its own, since everybody hears everything on a diagnostics channel
  const to = `shadow-${Math.random().toString(36).slice(2)}`;
  const mirror = mirrorLayer({ main: { to, percent: 100, ...options } });
  const attempts: Attempt[] = [];
  const ended: string[] = [];
  const reports: MirrorReport[] = [];
  const waiting: { readonly count: number; readonly resolve: () => void }[] = [];
  const listen = (message: unknown): void => {
    const report = message as MirrorReport;
    if (report.to !== to) return;
    reports.push(report);
    for (const each of waiting) if (reports.length >= each.count) each.resolve();
  };
  channel("signalbox:mirror").subscribe(listen);
  const plugin: Plugin = {
    name: "routing",
    providers: [mock()],
    layers: {
      cache: mirror,
      attempt: async function* watched(attempt, next) {
        attempts.push(attempt as Attempt<OperationName>);
        try {
          return yield* next(attempt);
        } finally {
          ended.push(attempt.deployment.model);
        }
      },
    },
    close: () => mirror.close(),
  };
  const gateway = await createGateway({
    plugins: [plugin, ...(more.plugins ?? [])],
    deployments: [
      { id: "main", model: "main", provider: "mock", upstreamModel: more.main ?? "fixed" },
      { id: "shadow", model: to, provider: "mock", upstreamModel: shadow },
      ...(more.deployments ?? []),
    ],
  });
  return {
    gateway,
    mirror,
    attempts,
    ended,
    reports,
    async reported(count) {
      if (reports.length < count) await new Promise<void>((resolve) => waiting.push({ count, resolve }));
      return reports;
    },
    async close() {
      await gateway.close();
      channel("signalbox:mirror").unsubscribe(listen);
    },
  };
}
