import type { Deployment, ModelTable, Strategy } from "@signalbox/kernel";
import { didYouMean, GatewayError } from "@signalbox/kernel";
import type { RoutingOptions, StrategyName } from "../options.ts";
import type { StrategyParts } from "./choice.ts";
import { checkShares } from "./simple-shuffle.ts";
import { strategyByName } from "./strategy-by-name.ts";

const DEFAULT_STRATEGY = "simple-shuffle";

type Choice = StrategyName | Strategy;

/** Which strategy orders which model. Strategies of one name are one: what they learn, they learn together. */
export class ChosenStrategies {
  readonly #models: ModelTable;
  readonly #default: Choice;
  readonly #byModel: ReadonlyMap<string, Choice>;
  readonly #named = new Map<StrategyName, Strategy>();
  /** What wildcard deployments are listed as: a call's candidates bear the name that was asked for. */
  #wildcards: ReadonlyMap<string, string> = new Map();
  #version = -1;

  /** @throws {GatewayError} `option_invalid` for a model that no deployment serves */
  constructor(options: RoutingOptions, parts: StrategyParts) {
    this.#models = parts.models;
    this.#default = options.strategy ?? DEFAULT_STRATEGY;
    this.#byModel = new Map(Object.entries(options.models ?? {}));
    checkModels(this.#byModel.keys(), parts.models);
    for (const choice of [this.#default, ...this.#byModel.values()]) {
      if (typeof choice !== "string" || this.#named.has(choice)) continue;
      const settings = {
        ...(options.latency && { latency: options.latency }),
        ...(options.usage && { usage: options.usage }),
      };
      this.#named.set(choice, strategyByName(choice, parts, settings));
    }
  }

  /** Each once. */
  all(): readonly Strategy[] {
    return [...new Set([this.#default, ...this.#byModel.values()].map((choice) => this.#strategyOf(choice)))];
  }

  /** The strategy for the candidates that this deployment is one of. */
  of(deployment: Deployment): Strategy {
    if (this.#byModel.size === 0) return this.#strategyOf(this.#default);
    if (this.#version !== this.#models.version) this.#listWildcards();
    const own = this.#byModel.get(deployment.model);
    if (own !== undefined) return this.#strategyOf(own);
    const wildcard = this.#wildcards.get(deployment.id);
    return this.#strategyOf(wildcard === undefined ? this.#default : this.#choiceFor(wildcard));
  }

  /** @throws {GatewayError} `deployment_invalid` */
  validate(models: ModelTable): void {
    for (const model of new Set([...models.names(), ...this.#byModel.keys()])) {
      if (this.#choiceFor(model) !== "simple-shuffle") continue;
      // a team sees its own deployments in place of the common ones
      const groups = Map.groupBy(models.deployments(model), ({ teamId }) => teamId);
      for (const group of groups.values()) checkShares(model, group);
    }
    for (const strategy of this.all()) strategy.validate?.(models);
  }

  #choiceFor(model: string): Choice {
    return this.#byModel.get(model) ?? this.#default;
  }

  #strategyOf(choice: Choice): Strategy {
    return typeof choice === "string" ? (this.#named.get(choice) as Strategy) : choice;
  }

  #listWildcards(): void {
    this.#version = this.#models.version;
    const listed = this.#models.all().filter(({ model }) => model.endsWith("*"));
    this.#wildcards = new Map(listed.map(({ id, model }) => [id, model]));
  }
}

function checkModels(names: Iterable<string>, models: ModelTable): void {
  const known = models.names();
  for (const name of names) {
    if (known.includes(name) || models.deployments(name).length > 0) continue;
    throw new GatewayError(
      "option_invalid",
      `routing(models): there is a strategy for the model ${JSON.stringify(name)}, which no deployment serves.` +
        didYouMean(name, known),
      { param: `models.${name}`, source: "routing" },
    );
  }
}
