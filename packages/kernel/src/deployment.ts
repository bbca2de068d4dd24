import type { ModelFacts } from "./model-facts.ts";
import type { Principal } from "./principal.ts";
import type { Secret } from "./secret.ts";

/**
 * A model at a provider, with credentials and limits. Several deployments may serve one public model name.
 * Immutable: a change is a new object with the same id.
 */
export interface Deployment {
  /** Stable and never derived from secrets. */
  readonly id: string;
  /** The name clients ask for; `openai/*` and `*` stand for many. */
  readonly model: string;
  /** Name of a registered provider. */
  readonly provider: string;
  /** What the provider calls the model; `*` takes the part of the client's name that the wildcard matched. */
  readonly upstreamModel: string;
  readonly apiKey?: Secret;
  /** Where the provider answers, when it is not the usual place: `http://localhost:11434/v1`. */
  readonly baseUrl?: string;
  /** Sent upstream with every request. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Whole attempt; for streams until the first event. */
  readonly timeoutMs?: number;
  /** Until the first event of a stream; the longest silence after it is `idleTimeoutMs`. */
  readonly streamTimeoutMs?: number;
  readonly idleTimeoutMs?: number;
  /** Drop parameters the model does not take (and report them) instead of refusing the request. */
  readonly dropParams?: boolean;
  /** Parameters to drop in any case, in the client's words. */
  readonly additionalDropParams?: readonly string[];
  /** Parameters to pass on although the model's capabilities say no. */
  readonly allowedParams?: readonly string[];
  /** Members added to the upstream body. */
  readonly extraBody?: Readonly<Record<string, unknown>>;
  /** Share of the traffic, relative to the others of its model. */
  readonly weight?: number;
  /** Deployments with a lower number are used first; the others when none of those is left. Default 0. */
  readonly order?: number;
  /** Most requests per minute. */
  readonly rpm?: number;
  /** Most tokens per minute, input and output. */
  readonly tpm?: number;
  /** Most attempts that run at the same time. */
  readonly maxParallel?: number;
  /** Retries at this deployment, instead of the gateway's. */
  readonly maxRetries?: number;
  /** The team that it belongs to: nobody else can see it. A team's own deployments of a model replace the common ones. */
  readonly teamId?: string;
  readonly region?: string;
  readonly tags?: readonly string[];
  /** The provider's own settings (project, region, API version …), checked by `Provider.validate`. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Facts about the model that override what the provider's tables say, and facts for plugins. */
  readonly info?: ModelFacts & Readonly<Record<string, unknown>>;
}

/** The models a gateway serves. A router finds its candidates here. Deployments may change while it runs. */
export interface ModelTable {
  /** Counts up whenever deployments change. */
  readonly version: number;
  /**
   * Deployments of a public model name in listed order: exact name, else the longest wildcard, made concrete
   * (`model` and `upstreamModel` without `*`, the same id). For a principal: only those that it can see. Without one: all.
   * Empty: unknown. The same array until something changes; for a name that a wildcard covers, as long as it is in use.
   */
  deployments(model: string, principal?: Principal): readonly Deployment[];
  /** All public names, wildcards included. */
  names(): readonly string[];
  /** Every deployment. */
  all(): readonly Deployment[];
  /** Known names that look like this one, best first. */
  nearest(model: string, count?: number): readonly string[];
}
