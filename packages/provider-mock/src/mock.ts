import type { Attempt, Deployment, ModelFacts, OperationName, Provider, Reply, ResultOf } from "@signalbox/kernel";
import { GatewayError } from "@signalbox/kernel";
import { BUILT_IN_REPLIES, parseBehaviour } from "./behaviour.ts";
import { chat } from "./chat.ts";
import { complete } from "./complete.ts";
import { embed } from "./embed.ts";
import { moderate } from "./moderate.ts";
import type { MockOptions } from "./options.ts";
import { mockSettings } from "./options.ts";
import { MODEL_HEADER, Plans } from "./plan.ts";
import { rerank } from "./rerank.ts";
import { Run } from "./run.ts";
import { inputTokens } from "./usage.ts";

/**
 * A provider that needs no vendor: it echoes, says what it was told to say, and fails when its model's name asks for
 * it (`mock/fault-429`). Deterministic; no network, and no timers beyond the latency that was asked for.
 *
 * A deployment's header `x-mock-model` names the mock model to play instead of the one in the request.
 *
 * @throws {GatewayError} `option_invalid` naming the option
 */
export function mock(options: MockOptions = {}): Provider {
  const settings = mockSettings(options);
  const plans = new Plans(settings.scriptNames);
  let calls = 0;

  function start(attempt: Attempt): Run {
    const model = playedModel(attempt.deployment) ?? attempt.upstreamModel;
    const behaviour = plans.behaviour(model);
    calls++;
    return new Run(`mock-${calls}`, behaviour, plans.fault(model, behaviour), attempt);
  }

  // biome-ignore lint/correctness/useYield: a reply without events is a reply
  async function* whole<Name extends OperationName>(
    attempt: Attempt<Name>,
    produce: (run: Run) => ResultOf<Name>,
  ): Reply<Name> {
    const run = start(attempt);
    await run.begin(run.behaviour.slowMs ?? settings.latencyMs, false);
    await run.breakOff();
    return produce(run);
  }

  return {
    name: "mock",
    operations: {
      async *chat(attempt) {
        return yield* chat(attempt, start(attempt), settings);
      },
      async *complete(attempt) {
        return yield* complete(attempt, start(attempt), settings);
      },
      embed: (attempt) => whole(attempt, () => embed(attempt.request, attempt.upstreamModel, settings.dimensions)),
      countTokens: (attempt) => whole(attempt, () => ({ inputTokens: inputTokens(attempt.request.chat) })),
      rerank: (attempt) =>
        whole(attempt, (run) => rerank(attempt.request, run.id, attempt.upstreamModel, settings.dimensions)),
      moderate: (attempt) =>
        whole(attempt, (run) => moderate(attempt.request, run.id, attempt.upstreamModel, settings.flaggedWords)),
    },
    validate(deployment) {
      const model = playedModel(deployment) ?? deployment.upstreamModel;
      if (model.includes("*")) return;
      const read = parseBehaviour(model, settings.scriptNames);
      if (!("problem" in read)) return;
      throw new GatewayError("deployment_invalid", `deployment ${JSON.stringify(deployment.id)}: ${read.problem}`, {
        source: "mock",
      });
    },
    facts: () => MOCK_FACTS,
    listModels: () =>
      Promise.resolve(
        [...BUILT_IN_REPLIES, ...settings.scriptNames].map((id) => ({
          id,
          createdAt: settings.createdAt,
          ownedBy: "mock",
        })),
      ),
  };
}

/** It takes whatever it is given, and has no window and no price. */
const MOCK_FACTS: ModelFacts = {
  supportsVision: true,
  supportsAudioInput: true,
  supportsPdfInput: true,
  supportsFunctionCalling: true,
  supportsResponseSchema: true,
  supportsReasoning: true,
};

function playedModel(deployment: Deployment): string | undefined {
  return deployment.headers?.[MODEL_HEADER];
}
