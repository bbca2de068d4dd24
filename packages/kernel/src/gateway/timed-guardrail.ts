import type { Call } from "../call.ts";
import type { Guardrail } from "../guardrail.ts";

/** The guardrail with an end to each of its checks: one that takes longer than `timeoutMs` has failed. */
export function timedGuardrail(guardrail: Guardrail): Guardrail {
  const { name, timeoutMs, checkRequest, checkResult, checkWindow } = guardrail;
  if (timeoutMs === undefined) return guardrail;

  function timed<T>({ signal }: Call, check: () => T): T | Promise<Awaited<T>> {
    const answer = check();
    if (typeof answer !== "object" || answer === null || !("then" in answer)) return answer;
    return new Promise<Awaited<T>>((resolve, reject) => {
      const done = (): void => {
        clearTimeout(timer);
        signal.removeEventListener("abort", left);
      };
      const left = (): void => {
        done();
        reject(signal.reason);
      };
      const timer = setTimeout(() => {
        done();
        reject(new Error(`guardrail ${JSON.stringify(name)} has not answered within ${timeoutMs} ms`));
      }, timeoutMs);
      if (signal.aborted) left();
      else signal.addEventListener("abort", left, { once: true });
      Promise.resolve(answer).then(resolve, reject).finally(done);
    });
  }

  return {
    ...guardrail,
    ...(checkRequest !== undefined && {
      checkRequest: (call) => timed(call, () => checkRequest.call(guardrail, call)) as never,
    }),
    ...(checkResult !== undefined && {
      checkResult: (call, result) => timed(call, () => checkResult.call(guardrail, call, result)) as never,
    }),
    ...(checkWindow !== undefined && {
      checkWindow: (call, window) => timed(call, () => checkWindow.call(guardrail, call, window)) as never,
    }),
  };
}
