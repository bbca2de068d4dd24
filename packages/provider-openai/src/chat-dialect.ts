import type {
  Call,
  CallRoute,
  ChatEvent,
  ChatResult,
  Dialect,
  GatewayError,
  HttpReply,
  ReplyEncoder,
} from "@signalbox/kernel";
import type { JsonCall, JsonObject } from "@signalbox/kernel/http";
import { decodeJsonCall, SSE_DONE, SSE_HEARTBEAT } from "@signalbox/kernel/http";
import { decodeChat } from "./chat-decode.ts";
import { encodeCompletion } from "./chat-encode.ts";
import { ChunkEncoder } from "./chat-encode-stream.ts";
import { CLIENT_HEADERS, isOwnField, jsonReply } from "./dialect-request.ts";
import { encodeOpenaiError, encodeStreamError } from "./error-encode.ts";
import { objectOf } from "./json.ts";
import { CHAT_DIALECT } from "./native-chat.ts";
import { holdsData, holdsDone } from "./native-frames.ts";

const PATHS: readonly string[] = [
  "/v1/chat/completions",
  "/chat/completions",
  "/openai/v1/chat/completions",
  "/engines/:model/chat/completions",
  "/openai/deployments/:model/chat/completions",
];

/** OpenAI Chat Completions. */
export function chatDialect(): Dialect {
  return { name: CHAT_DIALECT, routes: PATHS.map(chatRoute), encodeError: encodeOpenaiError };
}

function chatRoute(path: string): CallRoute<"chat"> {
  return { kind: "call", method: "POST", path, operation: "chat", decode: (http) => decodeJsonCall(http, CALL) };
}

const CALL: JsonCall<"chat"> = {
  dialect: CHAT_DIALECT,
  headers: CLIENT_HEADERS,
  isOwn: isOwnField,
  request: (body, { params }) => decodeChat(body, params["model"]),
  encoder: (call, body) => new ChatEncoder(call, body),
};

class ChatEncoder implements ReplyEncoder<"chat"> {
  readonly streaming: boolean;
  readonly heartbeat: string = SSE_HEARTBEAT;
  readonly #body: JsonObject;
  readonly #id: string;
  #chunks: ChunkEncoder | undefined;
  #lastFrames: Buffer | undefined;

  constructor(call: Call<"chat">, body: JsonObject) {
    this.streaming = call.request.stream === true;
    this.#body = body;
    this.#id = `chatcmpl-${call.id}`;
  }

  result(result: ChatResult): HttpReply {
    const { native } = result;
    if (native?.body !== undefined && native.dialect === CHAT_DIALECT) return jsonReply(native.body);
    const options = { id: this.#id, legacyFunctions: this.#legacyFunctions };
    return jsonReply(JSON.stringify(encodeCompletion(result, options)));
  }

  event(event: ChatEvent): Buffer | string | undefined {
    if (event.type !== "frame") return this.#encoder().event(event);
    if (holdsData(event.bytes)) this.#lastFrames = event.bytes;
    return event.bytes;
  }

  end(result: ChatResult, eventsSeen: boolean): string {
    if (this.#lastFrames !== undefined) return holdsDone(this.#lastFrames) ? "" : SSE_DONE;
    return eventsSeen ? this.#encoder().end(result) : this.#encoder().whole(result);
  }

  error(error: GatewayError): string {
    return encodeStreamError(error);
  }

  get #legacyFunctions(): boolean {
    return this.#body["functions"] != null && this.#body["tools"] == null;
  }

  #encoder(): ChunkEncoder {
    this.#chunks ??= new ChunkEncoder({
      id: this.#id,
      legacyFunctions: this.#legacyFunctions,
      includeUsage: objectOf(this.#body["stream_options"])?.["include_usage"] === true,
    });
    return this.#chunks;
  }
}
