import type { DependencyContainer } from "tsyringe";
import type { Guardrail } from "../../guardrail.ts";
import type { Plugin } from "../../plugin.ts";
import type { Finding } from "../text-finder.ts";
import type { FindingAction } from "../text-guardrail.ts";
import { textGuardrail } from "../text-guardrail.ts";
import { balancedGuardrail } from "./balanced-guardrail.ts";
import { remoteFinder } from "./remote-finder.ts";
import type { RemoteGuardrailOptions } from "./remote-options.ts";
import { RemoteService } from "./remote-service.ts";
import type { TextJudge } from "./text-judge.ts";

/** A guardrail that asks somebody, and what it needs of the gateway. */
export interface RemoteGuardrail {
  readonly guardrail: Guardrail;
  /** Finds the transport and the models of the gateway; to be called by the `start` of its plugin. */
  start(container: DependencyContainer): void;
}

/**
 * A guardrail of a service that judges texts: with an end to each question, rests after failures, answers that are kept,
 * long texts split, streams judged piece by piece, and a line in `trace.questions` for each question.
 */
export function remoteGuardrail(options: RemoteGuardrailOptions, judge: TextJudge): RemoteGuardrail {
  const { mode = ["before", "after"], action = byFinding } = options;
  const modes: readonly string[] = typeof mode === "string" ? [mode] : mode;
  const log = modes.includes("log");
  const requests = log || modes.includes("before") || modes.includes("during");
  const replies = log || modes.includes("after");
  const service = new RemoteService(options, judge);
  const guardrail = textGuardrail({
    name: options.name,
    failOpen: options.onUnavailable === "open",
    ...(options.runs !== undefined && { runs: options.runs }),
    ...((log || options.dryRun === true) && { dryRun: true }),
    ...(modes.includes("during") && { parallel: true }),
    finder: remoteFinder(options, judge, service),
    action,
    sides: requests && replies ? "both" : requests ? "input" : "output",
    ...(options.mask !== undefined && { mask: options.mask }),
    ...(options.reversible !== undefined && { reversible: options.reversible }),
    ...(options.reasons !== undefined && { reasons: options.reasons }),
    ...(options.streaming !== undefined && { streaming: options.streaming }),
  });
  return {
    guardrail: { ...guardrail, timeoutMs: service.timeoutMs },
    start: (container) => service.start(container),
  };
}

/** A plugin of guardrails that ask somebody; those of one name share the work. */
export function remotePlugin(name: string, list: readonly RemoteGuardrail[]): Plugin {
  const groups = new Map<string, Guardrail[]>();
  for (const { guardrail } of list) {
    groups.set(guardrail.name, [...(groups.get(guardrail.name) ?? []), guardrail]);
  }
  return {
    name,
    guardrails: [...groups.values()].map(balancedGuardrail),
    start(container) {
      for (const each of list) each.start(container);
    },
  };
}

function byFinding({ replacement }: Finding): FindingAction {
  return replacement === undefined ? "block" : "mask";
}
