import type { Call } from "./call.ts";
import type { Guardrail, RequestVerdict, ResultVerdict } from "./guardrail.ts";
import { ALLOW } from "./guardrail.ts";
import type { Layer } from "./layer.ts";
import type { OperationName, Reply, ResultOf } from "./operation.ts";

/**
 * Whether a call, or an attempt, is of this operation. TypeScript then knows its request, which comparing
 * `call.operation` does not tell it:
 *
 * ```ts
 * if (isCall(call, "chat")) count(call.request.messages);
 * ```
 */
export function isCall<Name extends OperationName, C extends Call>(call: C, operation: Name): call is C & Call<Name> {
  return call.operation === operation;
}

/**
 * A layer for the calls of one operation, whose request, events and result it thereby knows. The others pass it by.
 *
 * ```ts
 * layers: { admit: layerFor("chat", (call, next) => next(withRequest(call, { ...call.request, temperature: 0 }))) }
 * ```
 */
export function layerFor<Name extends OperationName>(
  operation: Name,
  layer: (call: Call<Name>, next: (call: Call<Name>) => Reply<Name>) => Reply<Name>,
): Layer {
  function only<Other extends OperationName>(
    call: Call<Other>,
    next: (call: Call<Other>) => Reply<Other>,
  ): Reply<Other> {
    // The operation is the same, so the types are: TypeScript cannot follow that from one parameter to another.
    return isCall(call, operation) ? (layer as unknown as Layer)(call, next) : next(call);
  }
  Object.defineProperty(only, "name", { value: layer.name });
  return only;
}

/** The checks of a guardrail for one operation. */
export interface OperationChecks<Name extends OperationName>
  extends Pick<Guardrail, "name" | "streaming" | "failOpen" | "runs" | "parallel" | "dryRun" | "checkWindow"> {
  checkRequest?(call: Call<Name>): RequestVerdict<Name> | Promise<RequestVerdict<Name>>;
  checkResult?(call: Call<Name>, result: ResultOf<Name>): ResultVerdict<Name> | Promise<ResultVerdict<Name>>;
}

/** A guardrail for the calls of one operation, whose request and result it thereby knows. The others are allowed. */
export function guardrailFor<Name extends OperationName>(operation: Name, checks: OperationChecks<Name>): Guardrail {
  const { name, streaming, failOpen, runs, parallel, dryRun } = checks;
  const { checkRequest, checkResult, checkWindow } = checks as Guardrail;
  return {
    name,
    ...(streaming !== undefined && { streaming }),
    ...(failOpen !== undefined && { failOpen }),
    ...(runs !== undefined && { runs }),
    ...(parallel !== undefined && { parallel }),
    ...(dryRun !== undefined && { dryRun }),
    ...(checkRequest !== undefined && {
      checkRequest: (call) => (isCall(call, operation) ? checkRequest.call(checks, call) : ALLOW),
    }),
    ...(checkResult !== undefined && {
      checkResult: (call, result) => (isCall(call, operation) ? checkResult.call(checks, call, result) : ALLOW),
    }),
    ...(checkWindow !== undefined && {
      checkWindow: (call, window) =>
        isCall(call, operation)
          ? checkWindow.call(checks, call, window)
          : { action: "release", consume: window.text.length },
    }),
  };
}
