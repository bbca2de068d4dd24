import type { Call, Dialect, ReplyEncoder } from "@signalbox/kernel";
import type { JsonCall } from "@signalbox/kernel/http";
import { decodeJsonCall } from "@signalbox/kernel/http";
import { encodeError, errorBody } from "./dialect-errors.ts";
import { decodeMessagesRequest } from "./messages-decode.ts";
import { CLIENT_HEADERS, isOwnField, MOUNTS } from "./messages-dialect.ts";
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
      decode: (http) => decodeJsonCall(http, CALL),
    })),
    encodeError,
  };
}

const CALL: JsonCall<"countTokens"> = {
  dialect: COUNT_TOKENS_DIALECT,
  headers: CLIENT_HEADERS,
  isOwn: isOwnField,
  request: (body) => {
    const chat = decodeMessagesRequest(body, true);
    return { model: chat.model, chat };
  },
  encoder: countEncoder,
};

function countEncoder(call: Call<"countTokens">): ReplyEncoder<"countTokens"> {
  return {
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
  };
}
