import type { Call } from "../call.ts";
import { withRequest } from "../call.ts";
import { GatewayError, isGatewayError } from "../errors.ts";
import type { Guardrail } from "../guardrail.ts";
import type { OperationName, Reply } from "../operation.ts";
import { blocked, guardrailFailed } from "./guardrail-error.ts";

type Next<Name extends OperationName> = (call: Call<Name>) => Reply<Name>;

/** The call as a guardrail lets it pass. In a dry run always as it came. */
export async function checkRequest<Name extends OperationName>(
  guardrail: Guardrail,
  call: Call<Name>,
): Promise<Call<Name>> {
  if (guardrail.checkRequest === undefined) return call;
  const { name, dryRun } = guardrail;
  const record = { guardrail: name, mode: "input", ...(dryRun === true && { dryRun }) } as const;
  try {
    const verdict = await guardrail.checkRequest(call);
    if (verdict.action === "allow") return call;
    if (verdict.action === "block") {
      const { category } = verdict;
      call.trace.guard({ ...record, action: "blocked", ...(category !== undefined && { category }) });
      if (dryRun === true) return noted(call, `guardrail "${name}" would have blocked the request: ${verdict.reason}`);
      throw blocked(guardrail, verdict, "input");
    }
    const rerouted = verdict.action === "reroute";
    call.trace.guard({ ...record, action: rerouted ? "rerouted" : "masked" });
    const what = rerouted ? `sent the request to model "${verdict.model}"` : "rewrote the request";
    if (dryRun === true) return noted(call, `guardrail "${name}" would have changed the request: ${verdict.reason}`);
    noted(call, `guardrail "${name}" ${what}: ${verdict.reason}`);
    const changed = verdict.value === undefined ? call : withRequest(call, verdict.value);
    return rerouted ? { ...changed, model: verdict.model } : changed;
  } catch (thrown) {
    if (dryRun === true) return noted(call, `guardrail "${name}" failed in its dry run`);
    guardrailFailed(guardrail, call, "input", thrown);
    return call;
  }
}

function noted<Name extends OperationName>(call: Call<Name>, text: string): Call<Name> {
  call.trace.note("guard", text);
  return call;
}

/** The check beside the call: its first step waits for the verdict, and a verdict that is no "allow" stops it. */
export async function* checkBeside<Name extends OperationName>(
  guardrail: Guardrail,
  call: Call<Name>,
  next: Next<Name>,
): Reply<Name> {
  const controller = new AbortController();
  const checking = checkRequest(guardrail, call);
  // a check that fails before the reply is asked for is heard of below
  checking.catch(() => undefined);
  const reply = next({ ...call, signal: AbortSignal.any([call.signal, controller.signal]) });
  const first = reply.next();
  first.catch(() => undefined);
  const giveUp = (reason: GatewayError): void => {
    controller.abort(reason);
    // It may be waiting for its upstream, which the signal ends; nobody waits for that.
    void reply.return(undefined as never).catch(() => undefined);
  };
  let checked: Call<Name>;
  try {
    checked = await checking;
  } catch (thrown) {
    giveUp(isGatewayError(thrown) ? thrown : new GatewayError("guardrail_unavailable", "the check failed"));
    throw thrown;
  }
  if (checked !== call) {
    giveUp(new GatewayError("guardrail_blocked", `guardrail "${guardrail.name}" has changed the request meanwhile`));
    return yield* next(checked);
  }
  try {
    let step = await first;
    while (step.done !== true) {
      yield step.value;
      step = await reply.next();
    }
    return step.value;
  } finally {
    await reply.return(undefined as never);
  }
}
