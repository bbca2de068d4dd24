import type { Call } from "../call.ts";
import type { Deployment } from "../deployment.ts";
import { GatewayError } from "../errors.ts";
import type { EventOf, OperationName, ResultOf } from "../operation.ts";
import type { OneTry } from "./one-try.ts";

type Step = IteratorResult<EventOf<OperationName>, ResultOf<OperationName>>;

/** What a hedged pair of tries needs from the driver. */
export interface HedgeParts {
  readonly call: Call;
  readonly begin: (deployment: Deployment, signal: AbortSignal) => OneTry;
  readonly next: () => Deployment | undefined | Promise<Deployment | undefined>;
  /** Failures of both tries are added here. */
  readonly failures: GatewayError[];
}

/** How a try's first step came out. */
interface FirstStep {
  readonly runner: Runner;
  readonly step?: Step;
  readonly thrown?: unknown;
}

/** One of the two tries, with a signal of its own. */
class Runner {
  readonly tried: OneTry;
  readonly controller: AbortController = new AbortController();
  readonly settled: Promise<FirstStep>;

  constructor(parts: HedgeParts, deployment: Deployment) {
    this.tried = parts.begin(deployment, AbortSignal.any([parts.call.signal, this.controller.signal]));
    this.settled = this.tried.reply.next().then(
      (step) => ({ runner: this, step }),
      (thrown: unknown) => ({ runner: this, thrown }),
    );
  }

  /** The other one has answered. Its upstream is closed at once; nobody waits for it. */
  lose(): void {
    const lost = new GatewayError("client_closed", "another deployment answered first");
    this.controller.abort(lost);
    void this.tried.abandon(lost).catch(() => undefined);
  }
}

/**
 * Tries a deployment, and when it has not answered after `hedgeMs`, the next one beside it. The first answer wins.
 * Rejects when nobody answered; the failures are then on the list.
 */
export async function firstAnswer(
  parts: HedgeParts,
  deployment: Deployment,
  hedgeMs: number,
): Promise<{ readonly winner: OneTry; readonly step: Step }> {
  const runners = [new Runner(parts, deployment)];
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, hedgeMs, undefined);
  });
  try {
    const early = await Promise.race([(runners[0] as Runner).settled, late]);
    if (early === undefined) {
      const second = await secondOf(parts, deployment);
      if (second !== undefined) {
        parts.call.trace.note("route", `no answer after ${Math.round(hedgeMs)} ms: also tried "${second.id}"`);
        const runner = new Runner(parts, second);
        runner.tried.attempt.record.purpose = "hedge";
        runners.push(runner);
      }
    }
    let first: FirstStep = early ?? (await Promise.race(runners.map(({ settled }) => settled)));
    for (;;) {
      const { runner, step, thrown } = first;
      const others = runners.filter((each) => each !== runner);
      if (step !== undefined) {
        for (const other of others) other.lose();
        return { winner: runner.tried, step };
      }
      parts.failures.push(runner.tried.fail(thrown));
      runners.splice(runners.indexOf(runner), 1);
      const [other] = others;
      if (other === undefined) throw parts.failures.at(-1);
      first = await other.settled;
    }
  } finally {
    clearTimeout(timer);
  }
}

/** Another deployment to try beside the first; a repetition at the same one helps nobody. */
async function secondOf(parts: HedgeParts, first: Deployment): Promise<Deployment | undefined> {
  const second = await parts.next();
  return second === undefined || second.id === first.id ? undefined : second;
}
