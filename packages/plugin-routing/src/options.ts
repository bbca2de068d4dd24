import { z } from "zod";
import type { Strategy } from "@signalbox/kernel";
import { didYouMean, GatewayError, nearest } from "@signalbox/kernel";
import type { PromptCacheAffinityOptions } from "./affinity/prompt-cache-affinity.ts";
import type { SessionAffinityOptions } from "./affinity/session-affinity.ts";
import type { TagFilterOptions } from "./filters/tag-filter.ts";
import type { QueueOptions } from "./limits/deployment-limits.ts";
import type { MirrorOptions } from "./mirror/mirror-options.ts";
import { checkOptions } from "./selectors/check-options.ts";
import type { ContentRouterOptions } from "./selectors/content-options.ts";
import type { SplitOptions } from "./selectors/split.ts";
import { STRATEGY_NAMES } from "./strategies/strategy-names.ts";

/** Names of the strategies that this package has. `usage-based-routing-v2` is another name of `usage-based-routing`. */
export type StrategyName = (typeof STRATEGY_NAMES)[number];

/** Settings of `latency-based-routing`. */
export interface LatencyOptions {
  /** Deployments slower than the fastest by at most this share are equal to it. Default 0.1. */
  readonly lowestLatencyBuffer?: number;
  /** How long a figure counts when no new one comes. Default 3,600,000 (an hour). */
  readonly ttlMs?: number;
  /** Share of the calls that try deployments without a recent figure, all of them together. Default 0.05. */
  readonly trialShare?: number;
}

/** Settings of `usage-based-routing`. */
export interface UsageOptions {
  /** The time over which tokens are counted. Default 60,000. */
  readonly windowMs?: number;
}

/** Options of `routing`. Public names are those that clients ask for. */
export interface RoutingOptions {
  /** How the deployments of a model are ordered: a name, or a strategy of your own. Default `simple-shuffle`. */
  readonly strategy?: StrategyName | Strategy;
  /** Other strategies for some models, by public name. */
  readonly models?: Readonly<Record<string, StrategyName | Strategy>>;
  readonly latency?: LatencyOptions;
  readonly usage?: UsageOptions;
  /** Routing by the tags of calls, callers and deployments. Default off. */
  readonly tags?: TagFilterOptions;
  /**
   * Whether deployments whose model is known to lack what a call needs, or to be too small for it, are left out.
   * Default true.
   */
  readonly preCallChecks?: boolean;
  /** Keeps the calls of one session at one deployment. Default off. */
  readonly sessionAffinity?: boolean | SessionAffinityOptions;
  /** Sends calls to the deployment that has their beginning in its prompt cache. Default off. */
  readonly promptCacheAffinity?: boolean | PromptCacheAffinityOptions;
  /** Most attempts that run at the same time at a deployment that does not say. Default: as many as there are. */
  readonly defaultMaxParallel?: number;
  /** Calls wait here while all deployments of their model are full. Default: a full deployment is passed over. */
  readonly queue?: QueueOptions;
  /** Public name → which model serves a call, by what it asks. */
  readonly contentRouters?: Readonly<Record<string, ContentRouterOptions>>;
  /** Public name → fixed shares of other models: canaries, A/B tests. */
  readonly splits?: Readonly<Record<string, SplitOptions>>;
  /** Public name → where copies of its calls go. */
  readonly mirrors?: Readonly<Record<string, MirrorOptions>>;
}

const NAMES: readonly string[] = Object.keys({
  strategy: true,
  models: true,
  latency: true,
  usage: true,
  tags: true,
  preCallChecks: true,
  sessionAffinity: true,
  promptCacheAffinity: true,
  defaultMaxParallel: true,
  queue: true,
  contentRouters: true,
  splits: true,
  mirrors: true,
} satisfies Record<keyof RoutingOptions, true>);

const MEMBERS: readonly string[] = Object.keys({
  name: true,
  order: true,
  validate: true,
  begin: true,
  answered: true,
  report: true,
} satisfies Record<keyof Strategy, true>);

/** The longest time that a timer can wait: about 24 days. */
const MOST_MS = 2_147_483_647;
const duration = z.number().positive().max(MOST_MS);
const share = z.number().min(0).max(1);

/** Groups of settings. `switchable`: `true` and `false` are settings as well. */
const GROUPS: Readonly<Record<string, { readonly schema: z.ZodObject; readonly switchable: boolean }>> = {
  latency: {
    schema: z.strictObject({
      lowestLatencyBuffer: z.number().min(0).exactOptional(),
      ttlMs: duration.exactOptional(),
      trialShare: share.exactOptional(),
    }),
    switchable: false,
  },
  usage: { schema: z.strictObject({ windowMs: duration.exactOptional() }), switchable: false },
  tags: {
    schema: z.strictObject({ enabled: z.boolean().exactOptional(), matchAny: z.boolean().exactOptional() }),
    switchable: false,
  },
  sessionAffinity: { schema: z.strictObject({ ttlMs: duration.exactOptional() }), switchable: true },
  promptCacheAffinity: {
    schema: z.strictObject({ ttlMs: duration.exactOptional(), minTokens: z.int().min(0).exactOptional() }),
    switchable: true,
  },
  queue: {
    schema: z.strictObject({ maxWaiting: z.int().positive().exactOptional(), maxWaitMs: duration.exactOptional() }),
    switchable: false,
  },
};

/** Options whose members are checked by those who read them. */
const MAPS = ["models", "contentRouters", "splits", "mirrors"] as const;

/** @throws {GatewayError} `option_invalid` naming the path */
export function checkRoutingOptions(options: RoutingOptions): void {
  if (!isObject(options)) throw invalid("", "takes an object: routing({ strategy: … })");
  for (const name of Object.keys(options)) {
    if (!NAMES.includes(name)) throw invalid(name, `is not an option.${didYouMean(name, NAMES)}`);
  }
  if (options.strategy !== undefined) checkStrategy("strategy", options.strategy);
  for (const name of MAPS) {
    const map: unknown = options[name];
    if (map !== undefined && !isObject(map)) throw invalid(name, "must be an object whose keys are public model names");
  }
  for (const [model, strategy] of Object.entries(options.models ?? {})) checkStrategy(`models.${model}`, strategy);
  if (options.preCallChecks !== undefined && typeof options.preCallChecks !== "boolean") {
    throw invalid("preCallChecks", "must be true or false");
  }
  const places: unknown = options.defaultMaxParallel;
  if (places !== undefined && !(typeof places === "number" && Number.isSafeInteger(places) && places > 0)) {
    throw invalid("defaultMaxParallel", "must be a whole number above 0");
  }
  for (const [name, { schema, switchable }] of Object.entries(GROUPS)) {
    const group: unknown = options[name as keyof RoutingOptions];
    if (group === undefined || (switchable && typeof group === "boolean")) continue;
    if (!isObject(group)) throw invalid(name, `must be ${switchable ? "true, false or " : ""}an object`);
    checkOptions(schema, group, { path: name, owner: `routing: ${JSON.stringify(name)}` }, Object.keys(schema.shape));
  }
}

function checkStrategy(path: string, strategy: unknown): void {
  if (typeof strategy === "string") {
    if ((STRATEGY_NAMES as readonly string[]).includes(strategy)) return;
    const hint = didYouMean(strategy, STRATEGY_NAMES) || ` The strategies are ${STRATEGY_NAMES.join(", ")}.`;
    throw invalid(path, `names the strategy ${JSON.stringify(strategy)}, which does not exist.${hint}`);
  }
  const { name, order } = isObject(strategy) ? strategy : {};
  if (!isObject(strategy) || typeof name !== "string" || name === "" || typeof order !== "function") {
    throw invalid(path, "must be the name of a strategy, or a strategy: an object with a name and a function `order`");
  }
  // a strategy whose `report` is misspelt would learn nothing
  for (const member of Object.keys(strategy)) {
    if (MEMBERS.includes(member) || nearest(member, MEMBERS).length === 0) continue;
    throw invalid(path, `has a member ${JSON.stringify(member)}, which has no effect.${didYouMean(member, MEMBERS)}`);
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function invalid(path: string, problem: string): GatewayError {
  const message = path === "" ? `routing ${problem}` : `routing: ${JSON.stringify(path)} ${problem}`;
  return new GatewayError("option_invalid", message, { source: "routing", ...(path !== "" && { param: path }) });
}
