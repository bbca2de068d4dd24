import type { AttemptWatcher, Call, ChatRequest, Deployment, OperationName } from "@signalbox/kernel";
import { grants } from "@signalbox/kernel";
import type { HedgeOptions } from "./hedge-options.ts";
import { LatencySketch } from "./latency-sketch.ts";

/** Decides when a second deployment is tried beside a slow one, and whether there are not too many of these already. */
export interface HedgePolicy extends Required<AttemptWatcher> {
  /** `Router.hedgeAfterMs`. */
  afterMs(deployment: Deployment, call: Call): number | undefined;
  /** `Router.mayHedge`. */
  mayHedge(deployment: Deployment, call: Call): boolean;
}

/** What tests decide themselves. */
export interface HedgeParts {
  /** In milliseconds. */
  readonly now?: () => number;
}

/**
 * Operations that change nothing and whose second answer costs little. Pictures, speech and transcriptions are left out:
 * each one is dear, and its time says more about its size than about the deployment.
 */
const REPEATABLE: ReadonlySet<OperationName> = new Set<OperationName>([
  "chat",
  "complete",
  "countTokens",
  "embed",
  "rerank",
  "moderate",
]);

/** Nothing is hedged before as many calls have shown how long they take. */
const MIN_SAMPLES = 50;
/** Models whose times are remembered; names that clients make up for a wildcard deployment are models too. */
const MAX_MODELS = 1_000;
/** Second tries that may be saved up. */
const MOST_SAVED = 10;

/** What is known about the calls of one public model. */
interface ModelTimes {
  /** By operation, streams and whole replies apart. */
  readonly sketches: Map<string, LatencySketch>;
  /** Second tries that may still be made. */
  allowance: number;
}

/**
 * Hedges calls whose deployment takes longer to answer than most calls of its model did lately. Keeps a small histogram
 * per public model, operation and way of answering: asking and reporting cost the same whatever has happened.
 */
export function hedgePolicy(options: HedgeOptions, parts: HedgeParts = {}): HedgePolicy {
  const { percentile = 0.95, models, maxShare = 0.1 } = options;
  const minMs = options.minMs ?? Math.min(100, options.maxMs ?? 100);
  const maxMs = options.maxMs ?? Math.max(30_000, minMs);
  const now = parts.now ?? (() => performance.now());
  const times = new Map<string, ModelTimes>();

  function isWanted(model: string): boolean {
    return models === undefined || models.some((pattern) => grants(pattern, model));
  }

  /** The share of durations asked for, once enough of them are known. */
  function usual(sketch: LatencySketch | undefined): number | undefined {
    return sketch === undefined || sketch.count(now()) < MIN_SAMPLES ? undefined : sketch.quantile(percentile);
  }

  function timesOf(model: string): ModelTimes {
    let found = times.get(model);
    if (found === undefined) {
      if (times.size >= MAX_MODELS) times.delete(times.keys().next().value as string);
      found = { sketches: new Map(), allowance: 0 };
      times.set(model, found);
    }
    return found;
  }

  function add(deployment: Deployment, firstEventMs: number, call: Call): void {
    if (!REPEATABLE.has(call.operation) || !isWanted(deployment.model)) return;
    const { sketches } = timesOf(deployment.model);
    const kind = kindOf(call);
    let sketch = sketches.get(kind);
    if (sketch === undefined) {
      sketch = new LatencySketch(now());
      sketches.set(kind, sketch);
    }
    sketch.add(firstEventMs, now());
  }

  return {
    afterMs(deployment, call) {
      if (!isRepeatable(call) || !isWanted(deployment.model)) return undefined;
      const usualMs = usual(times.get(deployment.model)?.sketches.get(kindOf(call)));
      return usualMs === undefined ? undefined : Math.min(Math.max(usualMs, minMs), maxMs);
    },

    mayHedge(deployment, call) {
      const known = times.get(deployment.model);
      if (known !== undefined && known.allowance >= 1) {
        known.allowance -= 1;
        return true;
      }
      call.trace.note("route", `no second try beside "${deployment.id}": there were too many lately`);
      return false;
    },

    begin(deployment, call) {
      const known = times.get(deployment.model);
      // a call earns its share once, however often it is tried
      if (known === undefined || call.trace.attempts.length > 1) return;
      known.allowance = Math.min(known.allowance + maxShare, MOST_SAVED);
    },

    answered: add,

    report(deployment, { ok, firstEventMs, durationMs }, call) {
      // `answered` has told it
      if (firstEventMs < durationMs) return;
      if (ok) {
        add(deployment, firstEventMs, call);
        return;
      }
      // It is known only that it would have taken longer. To leave out those that lose a race would make the model look
      // faster with each of them, and more and more calls slow.
      const sketch = times.get(deployment.model)?.sketches.get(kindOf(call));
      const usualMs = usual(sketch);
      if (usualMs !== undefined && firstEventMs >= usualMs) sketch?.add(firstEventMs, now());
    },
  };
}

function kindOf({ operation, request }: Call): string {
  return (request as { readonly stream?: boolean }).stream === true ? `${operation}, streamed` : operation;
}

/** Whether two answers do no more than one: nothing is stored, and no tool is run by the provider. */
function isRepeatable({ operation, request }: Call): boolean {
  if (!REPEATABLE.has(operation)) return false;
  if (operation !== "chat") return true;
  const { store, tools } = request as ChatRequest;
  return store !== true && tools?.some(({ type }) => type === "server") !== true;
}
