import type {
  Attempt,
  AttemptLayer,
  ChatResult,
  Deployment,
  EventOf,
  ModelFacts,
  OperationName,
  Plugin,
  Pricing,
  Reply,
  ResultOf,
} from "@signalbox/kernel";
import { GatewayError, isCall, MODEL_FACTS, MODEL_TABLE, PRICING, withRequest } from "@signalbox/kernel";
import { checkOptions, readPoints } from "./check-options.ts";
import type { CachePoint, PromptCachingOptions } from "./options.ts";
import { placeBreakpoints, withBreakpoints } from "./place-breakpoints.ts";
import { tellSavings } from "./savings.ts";

type Points = "auto" | readonly CachePoint[];

/** The stage of the notes in a trace. */
const STAGE = "prompt-cache";

/**
 * Sets prompt-cache breakpoints for clients that do not, at providers that take them, and tells what the provider's cache
 * has saved, at all that report it.
 *
 * ```ts
 * createGateway({ plugins: [vendors, pricing(), promptCaching({ ttl: "1h" })], … });
 * ```
 *
 * @throws {GatewayError} `option_invalid` naming the option; at start `deployment_invalid` for a deployment whose
 * `info.cacheControlInjectionPoints` are none
 */
export function promptCaching(options: PromptCachingOptions = {}): Plugin {
  checkOptions(options);
  const { points: usual = "auto", ttl } = options;
  let factsOf: (deployment: Deployment) => ModelFacts = ({ info }) => info ?? {};
  let pricing: Pricing | undefined;
  const own = new WeakMap<object, Points>();

  /** The deployment's own points, else the usual ones. */
  function pointsFor(deployment: Deployment): Points {
    const { info } = deployment;
    if (info?.["cacheControlInjectionPoints"] === undefined) return usual;
    const points = own.get(info) ?? readDeployment(deployment);
    own.set(info, points);
    return points;
  }

  function marked(attempt: Attempt<"chat">): Attempt<"chat"> {
    const { deployment, request, trace } = attempt;
    const points = pointsFor(deployment);
    if (points.length === 0) return attempt;
    const { promptCacheBreakpoints: most = 0, promptCacheMinTokens: minTokens = 0 } = factsOf(deployment);
    if (most <= 0) {
      // automatic places are for those who have them
      if (points !== "auto") trace.note(STAGE, `${JSON.stringify(deployment.id)} is not known to take breakpoints`);
      return attempt;
    }
    const atEnd = deployment.extraBody?.["cache_control"];
    const { added, missing } = placeBreakpoints(request, {
      points,
      ...(ttl !== undefined && { ttl }),
      most,
      minTokens,
      ...(typeof atEnd === "object" && atEnd !== null && { atEnd }),
    });
    for (const reason of missing) trace.note(STAGE, `no breakpoint behind ${reason}`);
    if (added.length === 0) return attempt;
    const names = added.map((one) => ("tool" in one ? `tools[${one.tool}]` : `messages[${one.message}]`));
    trace.note(STAGE, `breakpoints behind ${names.join(", ")}`);
    return withNative(attempt, withBreakpoints(request, added), added);
  }

  const layer: AttemptLayer = (attempt, next) => {
    if (!isCall(attempt, "chat")) return next(attempt);
    const sent = marked(attempt) as typeof attempt;
    return toldAtEnd(next(sent), (result) => tellSavings(sent, result as ChatResult, pricing));
  };
  Object.defineProperty(layer, "name", { value: "promptCaching" });

  return {
    name: "prompt-caching",
    layers: { attempt: { layer, events: "pass" } },
    start(container) {
      if (container.isRegistered(MODEL_FACTS, true)) factsOf = container.resolve(MODEL_FACTS);
      if (container.isRegistered(PRICING, true)) pricing = container.resolve(PRICING);
      if (!container.isRegistered(MODEL_TABLE, true)) return;
      for (const deployment of container.resolve(MODEL_TABLE).all()) pointsFor(deployment);
    },
  };
}

/** @throws {GatewayError} `deployment_invalid` */
function readDeployment({ id, info }: Deployment): Points {
  const points = readPoints(info?.["cacheControlInjectionPoints"]);
  if (points === "auto" || !("fault" in points)) return points;
  throw new GatewayError("deployment_invalid", `deployment ${JSON.stringify(id)}: ${points.fault}`, {
    param: "info.cacheControlInjectionPoints",
    source: "prompt-caching",
  });
}

/** The same reply; `tell` sees its result. Not a generator: nothing is done for the events in between. */
function toldAtEnd<Name extends OperationName>(
  reply: Reply<Name>,
  tell: (result: ResultOf<Name>) => void,
): Reply<Name> {
  const told = (step: IteratorResult<EventOf<Name>, ResultOf<Name>>): typeof step => {
    if (step.done === true && step.value !== undefined) tell(step.value);
    return step;
  };
  return {
    next: () => reply.next().then(told),
    return: (result) => reply.return(result),
    throw: (error) => reply.throw(error),
    [Symbol.asyncIterator]() {
      return this;
    },
    async [Symbol.asyncDispose]() {
      await reply.return(undefined as never);
    },
  };
}

/** In the native lane the client's bytes get the same breakpoints, where its dialect has words for them. */
function withNative(
  attempt: Attempt<"chat">,
  request: Attempt<"chat">["request"],
  added: ReturnType<typeof placeBreakpoints>["added"],
): Attempt<"chat"> {
  const { native } = attempt;
  const changed = withRequest(attempt, request);
  if (native === undefined || native.request !== attempt.request) return changed;
  const edits = native.breakpointEdits?.(added);
  if (edits === undefined || Object.keys(edits).some((name) => name in native.edits)) return changed;
  return { ...changed, native: { ...native, request, edits: { ...native.edits, ...edits } } };
}
