import type { Attempt } from "./call.ts";
import type { Deployment } from "./deployment.ts";
import type { ModelFacts } from "./model-facts.ts";
import type { OperationName, Reply } from "./operation.ts";

/** A model as a provider's own listing shows it. */
export interface ListedModel {
  readonly id: string;
  /** Epoch seconds. */
  readonly createdAt?: number;
  readonly ownedBy?: string;
  readonly displayName?: string;
}

/**
 * Answers attempts. Most providers are pure codecs over `attempt.transport`: request → wire, wire → events.
 *
 * ```ts
 * const shout: Provider = {
 *   name: "shout",
 *   operations: {
 *     async *chat(attempt) {
 *       const { body } = await attempt.transport.send(encode(attempt));
 *       return decode(body);
 *     },
 *   },
 * };
 * ```
 *
 * Errors thrown are `GatewayError`s with `source` set to the provider's name.
 */
export interface Provider {
  /** The word before the slash in model strings: `openai` in `openai/gpt-5`. */
  readonly name: string;
  /** The keys are the capability answer: an operation that is missing is not offered. */
  readonly operations: { readonly [Name in OperationName]?: (attempt: Attempt<Name>) => Reply<Name> };
  /** Prefixes of model names that are known to be this vendor's, so that a bare `gpt-5` finds it. */
  readonly modelPrefixes?: readonly string[];
  /** Checks a deployment's settings at start. @throws {GatewayError} `deployment_invalid` naming field and remedy */
  validate?(deployment: Deployment): void;
  /** What the provider's tables know about one of its models. Called once per deployment; must be cheap and pure. */
  facts?(upstreamModel: string): ModelFacts;
  /** Asks the provider which models it has. */
  listModels?(attempt: Pick<Attempt, "deployment" | "transport" | "signal">): Promise<readonly ListedModel[]>;
}
