import type { CallInput, CallRoute, Decoded, OperationName, Principal, ReplyEncoder } from "@signalbox/kernel";
import type { Exchange } from "./exchange.ts";
import type { HttpRequest } from "./http-request.ts";

/**
 * Opens the call that a request means, and ties it to the connection. The reply runs when it is read.
 *
 * @throws {GatewayError} `invalid_request` naming the field, `client_closed`
 */
export function openCall(
  exchange: Exchange,
  route: CallRoute,
  request: HttpRequest,
  principal: Principal,
): ReplyEncoder<OperationName> {
  const decoded = route.decode(request) as Decoded<OperationName>;
  exchange.watch();
  const open = exchange.surface.gateway.open(callInput(route.operation, decoded, principal));
  exchange.open = open;
  return decoded.encoder(open.call);
}

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
