import type {
  CallInput,
  CallOptions,
  CallRoute,
  Decoded,
  OperationName,
  Principal,
  ReplyEncoder,
} from "@signalbox/kernel";
import type { Exchange } from "./exchange.ts";

/**
 * Opens the call that a request means, and ties it to the connection. The reply runs when it is read.
 *
 * @throws {GatewayError} `client_closed`
 */
export function openCall(
  exchange: Exchange,
  route: CallRoute,
  decoded: Decoded<OperationName>,
  options: CallOptions | undefined,
  principal: Principal,
): ReplyEncoder<OperationName> {
  exchange.watch();
  const open = exchange.surface.gateway.open(callInput(route.operation, decoded, options, principal));
  exchange.open = open;
  return decoded.encoder(open.call);
}

/** What the gateway is asked to open for a decoded request. */
export function callInput<Name extends OperationName>(
  operation: Name,
  decoded: Decoded<Name>,
  options: CallOptions | undefined,
  principal: Principal,
): CallInput<Name> {
  const { request, native } = decoded;
  return {
    operation,
    request,
    principal,
    ...(options !== undefined && { options }),
    ...(native !== undefined && {
      native: {
        dialect: native.dialect,
        request,
        body: native.body,
        edits: native.edits,
        headers: native.headers,
        breakpointEdits: native.breakpointEdits,
      },
    }),
  };
}
