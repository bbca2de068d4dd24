import { GatewayError } from "../errors.ts";
import { didYouMean } from "../nearest.ts";
import type { OperationName } from "../operation.ts";
import type { CacheScope } from "./cache-key.ts";

/** What is cached, for whom and for how long. Says nothing as long as no plugin brings a cache. */
export interface CachePolicy {
  /** `off`: only what asks for it (`cache: { "use-cache": true }`). Default `on`. */
  readonly mode?: "on" | "off";
  /** How long an answer is good for. Default 3,600,000. A request may ask for another time, up to `mostTtlMs`. */
  readonly ttlMs?: number;
  /** Default 30 days. */
  readonly mostTtlMs?: number;
  /** How long after that it is served once more, while it is asked for anew. Default 0: not at all. */
  readonly staleMs?: number;
  /** Default: chat, complete, embed, rerank, moderate, transcribe, translate. */
  readonly operations?: readonly OperationName[];
  /** Default `team`. */
  readonly scope?: CacheScope;
  /** Equal calls that miss at the same time ask upstream once. Default true. */
  readonly singleFlight?: boolean;
}

/** A policy with its defaults filled in. */
export interface CacheSettings extends Required<Omit<CachePolicy, "operations">> {
  readonly operations: ReadonlySet<OperationName>;
}

const OPERATIONS: readonly OperationName[] = [
  "chat",
  "complete",
  "embed",
  "rerank",
  "moderate",
  "transcribe",
  "translate",
];
const SCOPES: readonly CacheScope[] = ["key", "team", "organization", "gateway"];
const DAY_MS = 86_400_000;

const DEFAULTS: CacheSettings = {
  mode: "on",
  ttlMs: 3_600_000,
  mostTtlMs: 30 * DAY_MS,
  staleMs: 0,
  operations: new Set(OPERATIONS),
  scope: "team",
  singleFlight: true,
};

/** @throws {GatewayError} `option_invalid` naming the option */
export function cacheSettings(policy: CachePolicy = {}): CacheSettings {
  for (const name of Object.keys(policy)) {
    if (!Object.hasOwn(DEFAULTS, name))
      throw invalid(name, `does not exist.${didYouMean(name, Object.keys(DEFAULTS))}`);
  }
  const { mode, scope, ttlMs, mostTtlMs, staleMs, singleFlight, operations } = policy;
  if (mode !== undefined && mode !== "on" && mode !== "off") throw invalid("mode", 'must be "on" or "off"');
  if (scope !== undefined && !SCOPES.includes(scope)) throw invalid("scope", `must be one of ${SCOPES.join(", ")}`);
  for (const [name, value, least] of [
    ["ttlMs", ttlMs, 1],
    ["mostTtlMs", mostTtlMs, 1],
    ["staleMs", staleMs, 0],
  ] as const) {
    if (value === undefined || (Number.isFinite(value) && value >= least)) continue;
    throw invalid(name, `must be a number of milliseconds of at least ${least}`);
  }
  if (singleFlight !== undefined && typeof singleFlight !== "boolean") {
    throw invalid("singleFlight", "must be true or false");
  }
  return {
    ...DEFAULTS,
    ...policy,
    operations: operations === undefined ? DEFAULTS.operations : new Set(operations),
  };
}

function invalid(name: string, problem: string): GatewayError {
  return new GatewayError("option_invalid", `"caching.${name}" ${problem}`, { param: `caching.${name}` });
}
