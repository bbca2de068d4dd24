import type { Call, Outcome, Strategy } from "@signalbox/kernel";
import type { LatencyOptions } from "../options.ts";
import type { StrategyParts } from "./choice.ts";
import { choosing } from "./choice.ts";
import type { DeploymentRecord } from "./deployment-records.ts";
import { DeploymentRecords } from "./deployment-records.ts";
import { LatencyFigure, STALE_MS } from "./latency-figure.ts";

const DEFAULT_BUFFER = 0.1;
const DEFAULT_TTL_MS = 3_600_000;
const DEFAULT_TRIAL_SHARE = 0.05;
/** As many attempts may be in flight as usual, twice over, and so many more; then the deployment counts as slower. */
const USUAL_TIMES = 2;
const SPARE = 8;

/** Calls that wait for a first event, and calls that wait for all. */
type Kind = "streamed" | "whole";

class LatencyRecord implements DeploymentRecord {
  inFlight = 0;
  gone = false;
  /** Until the first event. */
  readonly streamed: LatencyFigure = new LatencyFigure();
  /** Until the whole reply. */
  readonly whole: LatencyFigure = new LatencyFigure();
}

/**
 * The deployment that answers fastest, and those nearly as fast, of which the less busy of two is taken. A deployment
 * without a recent figure gets a small share of the calls until it has one.
 */
export function latencyBasedRouting(parts: StrategyParts, options: LatencyOptions = {}): Strategy {
  const { models, random, now } = parts;
  const { lowestLatencyBuffer = DEFAULT_BUFFER, ttlMs = DEFAULT_TTL_MS, trialShare = DEFAULT_TRIAL_SHARE } = options;
  const records = new DeploymentRecords(models, () => new LatencyRecord());
  // Costs of the choice at hand: nothing else runs while a choice is made.
  let costs = new Float64Array(16);

  /** The place of the `ordinal`-th record whose cost is at most this one. */
  function nth(ordinal: number, most: number, count: number): number {
    let left = ordinal;
    for (let at = 0; at < count; at++) {
      if (!((costs[at] as number) <= most)) continue;
      if (left === 0) return at;
      left -= 1;
    }
    return 0;
  }

  /** Of two that chance names the one with less in flight: a burst then spreads. */
  function lessBusyOfTwo(left: readonly LatencyRecord[], most: number): number {
    let equals = 0;
    for (let place = 0; place < left.length; place++) if ((costs[place] as number) <= most) equals += 1;
    const one = Math.floor(random() * equals);
    const place = nth(one, most, left.length);
    if (equals < 2) return place;
    const other = Math.floor(random() * (equals - 1));
    const otherPlace = nth(other < one ? other : other + 1, most, left.length);
    const busy = (left[place] as LatencyRecord).inFlight;
    return (left[otherPlace] as LatencyRecord).inFlight < busy ? otherPlace : place;
  }

  /** Whether its last answer and the last attempt to get one are too long ago. */
  const isStale = (figure: LatencyFigure, at: number): boolean =>
    at - figure.at > STALE_MS && at - figure.triedAt > STALE_MS;

  function nthStale(ordinal: number, left: readonly LatencyRecord[], kind: Kind, at: number): number {
    let skip = ordinal;
    for (let place = 0; place < left.length; place++) {
      const figure = (left[place] as LatencyRecord)[kind];
      if (!isStale(figure, at)) continue;
      if (skip === 0) return place;
      skip -= 1;
    }
    return 0;
  }

  /** Fills `costs`, not a number for the unknown, and answers the least one. */
  function measure(left: readonly LatencyRecord[], kind: Kind, perToken: boolean, at: number): number {
    if (costs.length < left.length) costs = new Float64Array(left.length);
    let least = Number.POSITIVE_INFINITY;
    for (let place = 0; place < left.length; place++) {
      const record = left[place] as LatencyRecord;
      const figure = record[kind];
      let cost = Number.NaN;
      if (at - figure.at <= ttlMs) {
        cost = perToken ? figure.costPerToken : figure.cost;
        const room = USUAL_TIMES * figure.usualInFlight + SPARE;
        if (record.inFlight > room) cost *= record.inFlight / room;
        if (cost < least) least = cost;
      }
      costs[place] = cost;
    }
    return least;
  }

  /** Where nobody is known to answer: those that were not tried yet cost nothing; all of them when there are none. */
  function freeTheUntried(count: number, unknown: number): void {
    for (let place = 0; place < count; place++) {
      costs[place] = unknown === 0 || Number.isNaN(costs[place]) ? 0 : Number.NaN;
    }
  }

  return choosing<LatencyRecord>({
    name: "latency-based-routing",
    prepare: (candidates) => records.of(candidates),
    choose(call, left, first) {
      const at = now();
      const kind = kindOf(call);
      let unknown = 0;
      let stale = 0;
      let perToken = true;
      for (let place = 0; place < left.length; place++) {
        const figure = (left[place] as LatencyRecord)[kind];
        if (isStale(figure, at)) stale += 1;
        if (at - figure.at > ttlMs) unknown += 1;
        else if (!figure.hasTokens) perToken = false;
      }
      if (first && stale > 0 && unknown < left.length && random() < trialShare) {
        return nthStale(Math.floor(random() * stale), left, kind, at);
      }
      let least = measure(left, kind, perToken, at);
      if (least === Number.POSITIVE_INFINITY) {
        freeTheUntried(left.length, unknown);
        least = 0;
      }
      return lessBusyOfTwo(left, least * (1 + lowestLatencyBuffer));
    },
    begin(deployment, call) {
      const record = records.begin(deployment);
      if (record !== undefined) record[kindOf(call)].triedAt = now();
    },
    answered(deployment, firstEventMs, call) {
      // what a stream's beginning tells is not kept back until its end
      if (kindOf(call) !== "streamed" || !isCount(firstEventMs)) return;
      const record = records.get(deployment);
      record?.streamed.succeed(now(), firstEventMs, 0, record.inFlight);
    },
    report(deployment, outcome, call) {
      const record = records.end(deployment);
      if (record === undefined || outcome.abandoned === true) return;
      const kind = kindOf(call);
      const { firstEventMs, durationMs, usage } = outcome;
      if (!outcome.ok) {
        if (blames(outcome)) record[kind].fail(now());
        return;
      }
      // a stream has been counted at its first event; one without any ends where it begins
      if (kind === "streamed" && firstEventMs < durationMs) return;
      if (!isCount(durationMs)) return;
      const { outputTokens = 0 } = usage ?? {};
      const tokens = kind === "whole" && isCount(outputTokens) ? outputTokens : 0;
      record[kind].succeed(now(), durationMs, tokens, record.inFlight + 1);
    },
  });
}

function kindOf(call: Call): Kind {
  return (call.request as { readonly stream?: boolean }).stream === true ? "streamed" : "whole";
}

/** Whether a failure says something about the deployment: another caller's mistake or an empty budget does not. */
function blames({ error }: Outcome): boolean {
  return error === undefined || error.code.startsWith("provider_") || error.code === "timeout";
}

function isCount(value: number): boolean {
  return value >= 0 && value < Number.POSITIVE_INFINITY;
}
