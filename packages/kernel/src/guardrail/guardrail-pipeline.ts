import type { Call } from "../call.ts";
import { withRequest } from "../call.ts";
import { GatewayError } from "../errors.ts";
import { timedGuardrail } from "../gateway/timed-guardrail.ts";
import { checkWindowed } from "../gateway/windowed-result.ts";
import type { Block, Guardrail, GuardrailRuns, RequestVerdict, ResultVerdict } from "../guardrail.ts";
import { ALLOW } from "../guardrail.ts";
import type { OperationName, ResultOf } from "../operation.ts";

/** What comes after a step: the next one, the one of this name behind it, the end with yes or no, or another model. */
export type PipelineMove = "next" | "allow" | "block" | { readonly step: string } | { readonly reroute: string };

/** One guardrail of a pipeline. */
export interface PipelineStep {
  readonly guardrail: Guardrail;
  /** It has nothing against the text, or has changed it. Default `next`. */
  readonly onPass?: PipelineMove;
  /** It blocks. Default `block`. */
  readonly onFail?: PipelineMove;
}

/** What `guardrailPipeline` makes a guardrail of. */
export interface GuardrailPipelineOptions extends Pick<Guardrail, "name" | "failOpen" | "parallel" | "dryRun"> {
  readonly runs?: GuardrailRuns;
  readonly steps: readonly PipelineStep[];
}

/**
 * Several guardrails as one, with a decision after each: a cheap check first and an expensive one only if it fails, or
 * another model instead of a refusal. A step sees what those before it have changed. Replies are held until all steps have
 * run; the steps' own `runs`, `parallel`, `streaming` and `dryRun` mean nothing here.
 *
 * @throws {GatewayError} `option_invalid` without steps, and for moves to a step that does not stand behind
 */
export function guardrailPipeline(options: GuardrailPipelineOptions): Guardrail {
  const { name, runs, failOpen, parallel, dryRun } = options;
  checkSteps(name, options.steps);
  const steps = options.steps.map((step) => ({ ...step, guardrail: timedGuardrail(step.guardrail) }));

  async function checkRequest<Name extends OperationName>(call: Call<Name>): Promise<RequestVerdict<Name>> {
    let current = call;
    let model: string | undefined;
    const reasons: string[] = [];
    let at = 0;
    while (at < steps.length) {
      const step = steps[at] as PipelineStep;
      const verdict = (await step.guardrail.checkRequest?.(current)) ?? ALLOW;
      if (verdict.action === "rewrite" || verdict.action === "reroute") {
        if (verdict.value !== undefined) current = withRequest(current, verdict.value);
        if (verdict.action === "reroute") model = verdict.model;
        reasons.push(verdict.reason);
      }
      const block = verdict.action === "block" ? verdict : undefined;
      const move = moveOf(step, block);
      if (move === "block") return blockBy(step, block);
      if (typeof move === "object" && "reroute" in move) {
        model = move.reroute;
        reasons.push(block?.reason ?? `${step.guardrail.name} passed`);
        break;
      }
      at = following(steps, at, move);
    }
    const reason = reasons.join("; ");
    const changed = current === call ? {} : { value: current.request };
    if (model !== undefined) return { action: "reroute", model, reason, ...changed };
    return current === call ? ALLOW : { action: "rewrite", value: current.request, reason };
  }

  async function checkResult<Name extends OperationName>(
    call: Call<Name>,
    result: ResultOf<Name>,
  ): Promise<ResultVerdict<Name>> {
    let current = result;
    const reasons: string[] = [];
    let at = 0;
    while (at < steps.length) {
      const step = steps[at] as PipelineStep;
      const { value, block, reason, again } = await checkWindowed(step.guardrail, call, current);
      if (again !== undefined) return again;
      if (value !== current) reasons.push(reason ?? `${step.guardrail.name} changed it`);
      current = value;
      const move = moveOf(step, block);
      // There is no other model for what has been said.
      if (move === "block" || (block !== undefined && typeof move === "object" && "reroute" in move)) {
        return blockBy(step, block);
      }
      at = following(steps, at, move);
    }
    return current === result ? ALLOW : { action: "rewrite", value: current, reason: reasons.join("; ") };
  }

  const replies = steps.some(({ guardrail }) => guardrail.checkResult ?? guardrail.checkWindow);
  return {
    name,
    ...(runs !== undefined && { runs }),
    ...(failOpen !== undefined && { failOpen }),
    ...(parallel !== undefined && { parallel }),
    ...(dryRun !== undefined && { dryRun }),
    checkRequest,
    ...(replies && { checkResult }),
  };
}

function moveOf(step: PipelineStep, block: Block | undefined): PipelineMove {
  return block === undefined ? (step.onPass ?? "next") : (step.onFail ?? "block");
}

function following(steps: readonly PipelineStep[], at: number, move: PipelineMove): number {
  if (move === "allow" || (typeof move === "object" && "reroute" in move)) return steps.length;
  if (typeof move !== "object") return at + 1;
  return steps.findIndex(({ guardrail }, place) => place > at && guardrail.name === move.step);
}

function blockBy({ guardrail }: PipelineStep, block: Block | undefined): Block {
  return block ?? { action: "block", reason: `${guardrail.name} decides so` };
}

function checkSteps(name: string, steps: readonly PipelineStep[]): void {
  const refused = (why: string): GatewayError =>
    new GatewayError("option_invalid", `guardrailPipeline ${JSON.stringify(name)} ${why}`, { source: name });
  if (steps.length === 0) throw refused("has no steps");
  for (const [at, { guardrail, onPass, onFail }] of steps.entries()) {
    for (const move of [onPass, onFail]) {
      if (typeof move !== "object" || !("step" in move)) continue;
      if (steps.some((other, place) => place > at && other.guardrail.name === move.step)) continue;
      throw refused(
        `moves from ${JSON.stringify(guardrail.name)} to ${JSON.stringify(move.step)}, which is not behind it`,
      );
    }
  }
}
