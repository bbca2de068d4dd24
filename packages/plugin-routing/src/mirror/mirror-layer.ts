import { channel } from "node:diagnostics_channel";
import type { Call, ErrorCode, Layer, LayerPlacement, ModelTable, OperationName, Reply } from "@signalbox/kernel";
import { GatewayError, IdSource, resultOf, toGatewayError } from "@signalbox/kernel";
import { saltOf, stableShare } from "../selectors/stable-share.ts";
import { isOwnAlias, mayCall, mirrorCall } from "./mirror-call.ts";
import type { MirrorOptions } from "./mirror-options.ts";
import { checkMirrorModels, checkMirrorOptions } from "./mirror-options.ts";

const mirrors = channel("signalbox:mirror");

const DEFAULT_MAX_PARALLEL = 10;
const DEFAULT_TIMEOUT_MS = 120_000;

/** What is published on the `diagnostics_channel` named `signalbox:mirror` when a copy has ended or was not made. */
export interface MirrorReport {
  readonly model: string;
  readonly to: string;
  readonly ok: boolean;
  /** `concurrency_limit_exceeded`, from a copy that was not made because too many were running. */
  readonly code?: ErrorCode;
  readonly durationMs: number;
  readonly error?: GatewayError;
}

/** How the copies of one model's calls have fared since the start. */
export interface MirrorCounts {
  readonly model: string;
  readonly to: string;
  running: number;
  succeeded: number;
  failed: number;
  /** Not made, because too many were running. */
  dropped: number;
}

/** The layer that makes copies, and what its plugin needs besides. */
export interface MirrorLayer extends LayerPlacement<Layer> {
  counts(): readonly Readonly<MirrorCounts>[];
  /**
   * @param selected public names that only a selector stands behind
   * @throws {GatewayError} `deployment_invalid` for a mirror of or to a model that does not exist
   */
  validate(models: ModelTable, selected?: Iterable<string>): void;
  /** Ends the running copies; none is made from now on. */
  close(): Promise<void>;
}

/** One model's mirror. */
interface Mirror {
  readonly percent: number;
  readonly salt: number;
  readonly maxParallel: number;
  readonly timeoutMs: number;
  readonly counts: MirrorCounts;
  readonly begunNote: string;
  readonly droppedNote: string;
}

function mirrorOf(model: string, options: MirrorOptions): Mirror {
  const { to, percent, maxParallel = DEFAULT_MAX_PARALLEL, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  return {
    percent,
    salt: saltOf(`mirror ${model}`),
    maxParallel,
    timeoutMs,
    counts: { model, to, running: 0, succeeded: 0, failed: 0, dropped: 0 },
    begunNote: `mirrored to ${JSON.stringify(to)}`,
    droppedNote: `not mirrored to ${JSON.stringify(to)}: ${maxParallel} mirrors are running`,
  };
}

/** Fails when the signal fires: for layers and providers that do not listen to it. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

/**
 * Shadow traffic: a share of a model's calls is sent to another model as well, and the answer thrown away. A copy begins
 * after the call itself has begun, with an id, a trace and a time limit of its own, and passes the router and the stage
 * `attempt` like any call: it is paid for. It neither delays nor fails nor changes the call; it goes on when the caller
 * leaves. Replies from the cache are not mirrored. A copy is tried once at each of its target's deployments: no retries,
 * no fallbacks; where calls wait for room, it waits behind all others. How it ended is published on the
 * `diagnostics_channel` named `signalbox:mirror` as a `MirrorReport`.
 *
 * @param options public model, or alias of one → where copies of its calls go
 * @throws {GatewayError} `option_invalid` naming the path
 */
export function mirrorLayer(options: Readonly<Record<string, MirrorOptions>>): MirrorLayer {
  checkMirrorOptions(options);
  const byModel = new Map(Object.entries(options).map(([model, each]) => [model, mirrorOf(model, each)]));
  const running = new Map<AbortController, Promise<void>>();
  const ids = new IdSource();
  let closed = false;

  /** Reads the copy to its end. Never rejects. */
  async function run<Name extends OperationName>(
    call: Call<Name>,
    next: (call: Call<Name>) => Reply<Name>,
    { counts, timeoutMs }: Mirror,
    controller: AbortController,
  ): Promise<void> {
    const { model, to } = counts;
    const startedAt = performance.now();
    const { signal } = controller;
    const timer = setTimeout(() => {
      controller.abort(new GatewayError("timeout", `the mirror took longer than ${timeoutMs / 1_000} s`));
    }, timeoutMs);
    timer.unref();
    let reply: Reply<Name> | undefined;
    try {
      reply = next(mirrorCall(call, to, ids.next(), signal, timeoutMs));
      await Promise.race([resultOf(reply), aborted(signal)]);
      counts.succeeded += 1;
      mirrors.publish({ model, to, ok: true, durationMs: performance.now() - startedAt } satisfies MirrorReport);
    } catch (thrown) {
      const error = toGatewayError(thrown);
      counts.failed += 1;
      const durationMs = performance.now() - startedAt;
      mirrors.publish({ model, to, ok: false, code: error.code, durationMs, error } satisfies MirrorReport);
      // it may still hang in a step: it is not waited for, and its failure is the one that has been reported
      reply?.return(undefined as never).catch(() => undefined);
    } finally {
      clearTimeout(timer);
      counts.running -= 1;
    }
  }

  function mirrored<Name extends OperationName>(
    call: Call<Name>,
    next: (call: Call<Name>) => Reply<Name>,
  ): Reply<Name> {
    const mirror = byModel.get(call.model) ?? (isOwnAlias(call) ? undefined : byModel.get(call.request.model));
    if (mirror === undefined || closed || call.signal.aborted) return next(call);
    // a stream that is continued was copied at its beginning
    if (call.purpose === "continuation") return next(call);
    if (stableShare(call.id, mirror.salt) * 100 >= mirror.percent || !mayCall(call)) return next(call);
    const { counts } = mirror;
    if (counts.running >= mirror.maxParallel) {
      counts.dropped += 1;
      call.trace.note("route", mirror.droppedNote);
      const { model, to } = counts;
      const code = "concurrency_limit_exceeded";
      mirrors.publish({ model, to, ok: false, code, durationMs: 0 } satisfies MirrorReport);
      return next(call);
    }
    counts.running += 1;
    call.trace.note("route", mirror.begunNote);
    // by then the reply that is returned here has been asked for its first step
    setImmediate(begin, call, next, mirror);
    return next(call);
  }

  function begin<Name extends OperationName>(
    call: Call<Name>,
    next: (call: Call<Name>) => Reply<Name>,
    mirror: Mirror,
  ): void {
    if (closed) {
      mirror.counts.running -= 1;
      return;
    }
    const controller = new AbortController();
    const ended = run(call, next, mirror, controller).then(() => {
      running.delete(controller);
    });
    running.set(controller, ended);
  }

  return {
    layer: mirrored,
    order: "last",
    events: "pass",
    counts: () => [...byModel.values()].map(({ counts }) => counts),
    validate: (models, selected = []) => checkMirrorModels(options, models, selected),
    async close() {
      closed = true;
      const reason = new GatewayError("draining", "the gateway shut down before the mirror was complete");
      const ending = [...running.values()];
      for (const controller of running.keys()) controller.abort(reason);
      await Promise.all(ending);
    },
  };
}
