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
  readonly weight?: number;
  readonly order?: number;
  readonly region?: string;
  readonly tags?: readonly string[];
  /** The provider's own settings (project, region, API version …), checked by `Provider.validate`. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Facts about the model that override what the provider's tables say: `maxInputTokens`, `supportsVision`, … */
  readonly info?: Readonly<Record<string, unknown>>;
}

/** The models a gateway serves. A router finds its candidates here. */
export interface ModelTable {
  /**
   * Deployments of a public model name in listed order: exact name, else the longest wildcard, made concrete
   * (`model` and `upstreamModel` without `*`, the same id). Empty: unknown.
   */
  deployments(model: string): readonly Deployment[];
  /** All public names, wildcards included. */
  names(): readonly string[];
  /** Every deployment. */
  all(): readonly Deployment[];
  /** Known names that look like this one, best first. */
  nearest(model: string, count?: number): readonly string[];
}
