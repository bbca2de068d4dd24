import type { Decoded, Dialect, DialectRequest } from "@signalbox/kernel";
import { takeGatewayFields } from "@signalbox/kernel/http";
import { encodeError, errorBody } from "./dialect-errors.ts";
import { decodeMessagesRequest } from "./messages-decode.ts";
import { isOwnField, MOUNTS, objectOf, requiredBody, travellingHeaders } from "./messages-dialect.ts";
import { COUNT_TOKENS_DIALECT } from "./names.ts";

/** `POST /v1/messages/count_tokens`. */
export function countTokensDialect(): Dialect {
  return {
    name: COUNT_TOKENS_DIALECT,
    routes: MOUNTS.map((mount) => ({
      kind: "call",
      method: "POST",
      path: `${mount}/v1/messages/count_tokens`,
      operation: "countTokens",
      decode,
    })),
    encodeError,
  };
}

function decode(request: DialectRequest): Decoded<"countTokens"> {
  const body = requiredBody(request);
  const { body: members, options, edits } = takeGatewayFields(objectOf(body), request.headers, isOwnField);
  const chat = decodeMessagesRequest(members, true);
  return {
    request: { model: chat.model, chat },
    ...(options !== undefined && { options }),
    native: { dialect: COUNT_TOKENS_DIALECT, body, edits, headers: travellingHeaders(request.headers) },
    encoder: (call) => ({
      streaming: false,
      headers: { "request-id": call.id },
      heartbeat: "",
      result: ({ inputTokens, native }) => ({
        status: 200,
        headers: { "content-type": "application/json" },
        body:
          native?.dialect === COUNT_TOKENS_DIALECT && native.body !== undefined
            ? native.body
            : JSON.stringify({ input_tokens: inputTokens }),
      }),
      event: () => undefined,
      end: () => "",
      error: (error) => JSON.stringify(errorBody(error, call.id)),
    }),
  };
}
