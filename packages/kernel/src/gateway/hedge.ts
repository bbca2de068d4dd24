import type { Call } from "../call.ts";
import type { Deployment } from "../deployment.ts";
import { GatewayError } from "../errors.ts";
import type { EventOf, OperationName, ResultOf } from "../operation.ts";
import { Trace } from "../trace.ts";
import type { Found } from "./candidates.ts";
import type { OneTry } from "./one-try.ts";

/** What a reply gives when it is read. */
export type Step = IteratorResult<EventOf<OperationName>, ResultOf<OperationName>>;

/** What a hedged pair of tries needs from the driver. */
export interface HedgeParts {
  readonly call: Call;
  readonly begin: (deployment: Deployment, signal: AbortSignal, trace: Trace) => OneTry;
  readonly next: () => Found;
  /** Whether a second deployment may be tried beside this one, now that it is late. */
  readonly mayHedge: (deployment: Deployment) => boolean;
}

/** How a hedged pair came out. */
export interface Hedged {
  /** Who answered first, and with what; none when all have failed. */
  readonly answer: { readonly tried: OneTry; readonly step: Step } | undefined;
  /** In the order in which they happened. */
  readonly failures: readonly GatewayError[];
  /** The failure of the deployment that was pulled last, where it was tried. */
  readonly lastFailure: GatewayError | undefined;
  /** Pulled, but not tried. */
  readonly kept: Found;
}

/** How a try's first step came out. */
interface FirstStep {
  readonly runner: Runner;
  readonly step?: Step;
  readonly thrown?: unknown;
}

/** What one of the tries waits for and drops is its own, until it has won. */
function branch({ startedAt, attempts, skipped, notes, droppedParams, headers, comments }: Trace): Trace {
  const own = new Trace(startedAt, attempts);
  own.skipped = skipped;
  own.notes = notes;
  own.droppedParams = droppedParams?.slice();
  own.headers = headers?.slice();
  own.comments = comments;
  return own;
}

/** One of the two tries, with a signal of its own. */
class Runner {
  readonly tried: OneTry;
  readonly trace: Trace;
  readonly controller: AbortController = new AbortController();
  readonly settled: Promise<FirstStep>;

  constructor({ call, begin }: HedgeParts, deployment: Deployment) {
    this.trace = branch(call.trace);
    this.tried = begin(deployment, AbortSignal.any([call.signal, this.controller.signal]), this.trace);
    this.settled = this.tried.reply.next().then(
      (step) => ({ runner: this, step }),
      (thrown: unknown) => ({ runner: this, thrown }),
    );
  }

  /** The other one has answered. Its upstream is closed at once; nobody waits for it. */
  lose(): void {
    const lost = new GatewayError("client_closed", "another deployment answered first");
    this.controller.abort(lost);
    // It has been told of its end; how its cleaning up goes concerns nobody.
    void this.tried.abandon(lost).catch(() => undefined);
  }
}

/** Tries a deployment, and when it has not answered after `hedgeMs`, the next one beside it. The first answer wins. */
export async function hedgedTries(parts: HedgeParts, deployment: Deployment, hedgeMs: number): Promise<Hedged> {
  const { trace } = parts.call;
  // so that both branches write to the same lists
  trace.skipped ??= [];
  trace.notes ??= [];
  trace.comments ??= [];
  const startedAt = performance.now();
  const first = new Runner(parts, deployment);
  const { second, kept } = await secondAfter(parts, first, hedgeMs);
  const failures: GatewayError[] = [];
  let lastFailure: GatewayError | undefined;
  let running = second === undefined ? [first] : [first, second];
  while (running.length > 0) {
    const { runner, step, thrown } = await Promise.race(running.map(({ settled }) => settled));
    running = running.filter((each) => each !== runner);
    if (step !== undefined) {
      for (const other of running) other.lose();
      trace.droppedParams = runner.trace.droppedParams;
      trace.headers = runner.trace.headers;
      trace.upstreamMs += performance.now() - startedAt;
      return { answer: { tried: runner.tried, step }, failures, lastFailure: undefined, kept };
    }
    const failure = runner.tried.fail(thrown);
    failures.push(failure);
    if (runner === (second ?? first)) lastFailure = failure;
  }
  trace.upstreamMs += performance.now() - startedAt;
  return { answer: undefined, failures, lastFailure: kept === undefined ? lastFailure : undefined, kept };
}

/** Who is tried beside the first, when that takes too long. */
async function secondAfter(
  parts: HedgeParts,
  first: Runner,
  hedgeMs: number,
): Promise<{ readonly second?: Runner; readonly kept: Found }> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<"late">((resolve) => {
    timer = setTimeout(resolve, hedgeMs, "late");
  });
  const early = await Promise.race([first.settled, late]);
  clearTimeout(timer);
  if (early !== "late" || !parts.mayHedge(first.tried.deployment)) return { kept: undefined };

  const pulled = pullSecond(parts);
  const found = await Promise.race([
    first.settled,
    pulled.then(
      (deployment) => ({ deployment }),
      // The driver finds it again when it goes on, if it does.
      () => "refused" as const,
    ),
  ]);
  if (found === "refused" || "runner" in found) return { kept: pulled };
  const { deployment } = found;
  if (deployment === undefined) return { kept: undefined };
  const { id, upstreamModel } = first.tried.deployment;
  const same = deployment.id === id && deployment.upstreamModel === upstreamModel;
  // A repetition beside the first try helps nobody; it may after it.
  if (same || parts.call.signal.aborted) return { kept: deployment };
  parts.call.trace.note("route", `no answer after ${Math.round(hedgeMs)} ms: also tried "${deployment.id}"`);
  const second = new Runner(parts, deployment);
  second.tried.attempt.record.purpose = "hedge";
  return { second, kept: undefined };
}

async function pullSecond(parts: HedgeParts): Promise<Deployment | undefined> {
  return await parts.next();
}
