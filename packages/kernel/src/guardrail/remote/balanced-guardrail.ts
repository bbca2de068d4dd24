import type { Call } from "../../call.ts";
import { GatewayError, isGatewayError } from "../../errors.ts";
import type { Guardrail } from "../../guardrail.ts";

/**
 * Guardrails of one name as one: calls go to each in turn. One that fails is passed over for the next, before anything of a
 * call is decided; all checks of a call are made by the same one.
 *
 * @throws {GatewayError} `option_invalid` for those that differ in when they run or what happens while they cannot
 */
export function balancedGuardrail(list: readonly Guardrail[]): Guardrail {
  const [first] = list;
  if (first === undefined) throw new GatewayError("option_invalid", "no guardrails to share the work");
  if (list.length === 1) return first;
  const { name } = first;
  for (const other of list) {
    if (outline(other) === outline(first)) continue;
    const message = `guardrails named ${JSON.stringify(name)} share the work, but do not run alike`;
    throw new GatewayError("option_invalid", message, { source: name });
  }
  const chosen = Symbol(`chosen ${name}`);
  let turn = 0;

  async function check<T>(call: Call, run: (guardrail: Guardrail) => T): Promise<Awaited<T>> {
    const before = call.state.get(chosen) as Guardrail | undefined;
    if (before !== undefined) return await run(before);
    const start = turn++ % list.length;
    for (let tried = 0; ; tried++) {
      const guardrail = list[(start + tried) % list.length] as Guardrail;
      try {
        const verdict = await run(guardrail);
        call.state.set(chosen, guardrail);
        return verdict;
      } catch (thrown) {
        if (isGatewayError(thrown) || tried + 1 === list.length) throw thrown;
        call.trace.note("guard", `guardrail "${name}" failed, and another one of its name was asked`);
      }
    }
  }

  return {
    ...first,
    ...(first.timeoutMs !== undefined && { timeoutMs: first.timeoutMs * list.length }),
    ...(first.checkRequest !== undefined && {
      checkRequest: (call) => check(call, (guardrail) => guardrail.checkRequest?.(call)) as never,
    }),
    ...(first.checkResult !== undefined && {
      checkResult: (call, result) => check(call, (guardrail) => guardrail.checkResult?.(call, result)) as never,
    }),
    ...(first.checkWindow !== undefined && {
      checkWindow: (call, window) => check(call, (guardrail) => guardrail.checkWindow?.(call, window)) as never,
    }),
  };
}

function outline(guardrail: Guardrail): string {
  const { streaming, failOpen = false, runs, parallel = false, dryRun = false, timeoutMs } = guardrail;
  const checks = [guardrail.checkRequest, guardrail.checkResult, guardrail.checkWindow].map((one) => one !== undefined);
  return JSON.stringify([streaming, failOpen, runs, parallel, dryRun, timeoutMs, checks]);
}
