import type { CallInput, Decoded, OperationName, Principal } from "@signalbox/kernel";

/** What the gateway is asked to open for a decoded request. */
export function callInput<Name extends OperationName>(
  operation: Name,
  decoded: Decoded<Name>,
  principal: Principal,
): CallInput<Name> {
  const { request, options, native } = decoded;
  return {
    operation,
    request,
    principal,
    ...(options !== undefined && { options }),
    ...(native !== undefined && {
      native: { dialect: native.dialect, request, body: native.body, edits: native.edits, headers: native.headers },
    }),
  };
}
