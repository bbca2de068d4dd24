import type { Call, Deployment, ModelFacts, Outcome, Strategy } from "@signalbox/kernel";
import { createModelTable } from "@signalbox/kernel";
import { composedStrategy } from "../../src/composed-strategy.ts";
import type { RoutingOptions } from "../../src/options.ts";
import type { StrategyParts } from "../../src/strategies/choice.ts";
import { ChosenStrategies } from "../../src/strategies/chosen-strategies.ts";
import { chatCall, factsOf } from "../calls.ts";
import { seeded } from "./chance.ts";
import { SimulatedClock, SimulatedState } from "./simulated-time.ts";

export interface BenchOptions {
  readonly deployments: readonly Deployment[];
  readonly options: RoutingOptions;
  readonly seed?: number;
  readonly clock?: SimulatedClock;
  /** Shared with another bench: two processes of one gateway. */
  readonly state?: SimulatedState;
}

/** What `StrategyBench.request` is given. */
export interface SimulatedRequest {
  readonly call?: Call;
  readonly latencyMs?: (deployment: Deployment) => number;
  /** Of a stream; none where the reply has no events. */
  readonly firstEventMs?: (deployment: Deployment) => number;
  /** How the attempt ends; what is missing is a success. */
  readonly outcome?: (deployment: Deployment) => Partial<Outcome>;
}

/** One process with strategies alone, no filters and no limits, in simulated time; repeatable by its seed. */
export class StrategyBench {
  readonly clock: SimulatedClock;
  readonly state: SimulatedState;
  readonly random: () => number;
  readonly models: ReturnType<typeof createModelTable>;
  readonly strategy: Strategy;

  constructor({ deployments, options, seed = 1, clock = new SimulatedClock(), state }: BenchOptions) {
    this.clock = clock;
    this.state = state ?? new SimulatedState(clock);
    this.random = seeded(seed);
    this.models = createModelTable(deployments, []);
    const parts: StrategyParts = {
      models: this.models,
      state: this.state.process(),
      facts: (deployment): ModelFacts => factsOf(deployment),
      fallbacks: {},
      random: this.random,
      now: clock.now,
      epochNow: clock.now,
    };
    const strategies = new ChosenStrategies(options, parts);
    this.strategy = composedStrategy({ filters: [], affinities: [], strategies });
  }

  /** The whole order for a call. */
  order(call: Call = chatCall()): readonly Deployment[] {
    return [...this.strategy.order(call, this.models.deployments(call.model))] as readonly Deployment[];
  }

  /** The deployment that is tried first. */
  first(call: Call = chatCall()): Deployment {
    const candidates = this.strategy.order(call, this.models.deployments(call.model))[Symbol.iterator]();
    const deployment = candidates.next().value as Deployment;
    candidates.return?.();
    return deployment;
  }

  /** One call at its first deployment, which ends after its latency. */
  request(request: SimulatedRequest = {}): Deployment {
    const { call = chatCall(), latencyMs = () => 100, outcome = () => ({}) } = request;
    const deployment = this.first(call);
    const startedAt = this.clock.now();
    this.strategy.begin?.(deployment, call);
    const firstEventMs = request.firstEventMs?.(deployment);
    if (firstEventMs !== undefined) {
      this.clock.after(firstEventMs, () => this.strategy.answered?.(deployment, firstEventMs, call));
    }
    this.clock.after(latencyMs(deployment), () => {
      const elapsed = this.clock.now() - startedAt;
      const ended = { ok: true, firstEventMs: firstEventMs ?? elapsed, durationMs: elapsed, ...outcome(deployment) };
      this.strategy.report?.(deployment, ended, call);
    });
    return deployment;
  }

  /** Calls that arrive evenly, and who was tried for each. */
  traffic(count: number, everyMs: number, request?: SimulatedRequest): readonly string[] {
    return Array.from({ length: count }, () => {
      const { id } = this.request(request);
      this.clock.pass(everyMs);
      return id;
    });
  }
}
