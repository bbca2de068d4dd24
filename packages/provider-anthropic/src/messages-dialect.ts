import type { IncomingHttpHeaders } from "node:http";
import type { Call, ChatEvent, ChatResult, Decoded, Dialect, DialectRequest, ReplyEncoder } from "@signalbox/kernel";
import { GatewayError, isFrame } from "@signalbox/kernel";
import type { JsonBody, JsonObject } from "@signalbox/kernel/http";
import { isJsonObject, sseEvent, takeGatewayFields } from "@signalbox/kernel/http";
import { encodeError, errorBody } from "./dialect-errors.ts";
import { decodeMessagesRequest } from "./messages-decode.ts";
import { encodeMessage } from "./messages-encode.ts";
import { MessagesStreamWriter } from "./messages-stream.ts";
import { MESSAGES_DIALECT } from "./names.ts";
import type { Note } from "./reply-blocks.ts";

const PING = 'event: ping\ndata: {"type":"ping"}\n\n';

/** Client headers that travel on to Anthropic. */
const TRAVELLING: readonly string[] = ["anthropic-version", "anthropic-beta"];

/** Below the mount point; the second is where clients look that are given a base URL per vendor. */
export const MOUNTS: readonly string[] = ["", "/anthropic"];

/** `POST /v1/messages`, as Anthropic's libraries and Claude Code speak it. */
export function messagesDialect(): Dialect {
  return {
    name: MESSAGES_DIALECT,
    routes: MOUNTS.map((mount) => ({
      kind: "call",
      method: "POST",
      path: `${mount}/v1/messages`,
      operation: "chat",
      decode,
    })),
    encodeError,
  };
}

function decode(request: DialectRequest): Decoded<"chat"> {
  const body = requiredBody(request);
  const { body: members, options, edits } = takeGatewayFields(objectOf(body), request.headers, isOwnField);
  return {
    request: decodeMessagesRequest(members),
    ...(options !== undefined && { options }),
    native: { dialect: MESSAGES_DIALECT, body, edits, headers: travellingHeaders(request.headers) },
    encoder: (call) => new MessagesEncoder(call),
  };
}

export function requiredBody(request: DialectRequest): JsonBody {
  if (request.body !== undefined) return request.body;
  throw new GatewayError("invalid_request", "the request has no JSON body");
}

export function objectOf(body: JsonBody): JsonObject {
  if (isJsonObject(body.value)) return body.value;
  throw new GatewayError("invalid_request", "the request body must be a JSON object");
}

/** Anthropic's own `fallbacks` holds objects; the gateway's holds names of models. */
export function isOwnField(name: string, value: unknown): boolean {
  return name === "fallbacks" && Array.isArray(value) && value.some((model) => typeof model === "object");
}

export function travellingHeaders(headers: IncomingHttpHeaders): readonly string[] {
  const list: string[] = [];
  for (const name of TRAVELLING) {
    const value = headers[name];
    if (value !== undefined) list.push(name, Array.isArray(value) ? value.join(",") : value);
  }
  return list;
}

class MessagesEncoder implements ReplyEncoder<"chat"> {
  readonly streaming: boolean;
  readonly headers: Readonly<Record<string, string>>;
  readonly heartbeat: string = PING;
  readonly #call: Call<"chat">;
  readonly #note: Note;
  #writer: MessagesStreamWriter | undefined;
  #forwarded = false;

  constructor(call: Call<"chat">) {
    this.#call = call;
    this.streaming = call.request.stream === true;
    this.headers = { "request-id": call.id };
    this.#note = (text) => call.trace.note(MESSAGES_DIALECT, text);
  }

  result(result: ChatResult): { status: number; headers: Readonly<Record<string, string>>; body: Buffer | string } {
    const native = result.native;
    const body =
      native?.dialect === MESSAGES_DIALECT && native.body !== undefined
        ? native.body
        : JSON.stringify(encodeMessage(result, this.#call.id, this.#note));
    return { status: 200, headers: { "content-type": "application/json" }, body };
  }

  event(event: ChatEvent): Buffer | string | undefined {
    if (isFrame(event)) {
      this.#forwarded = true;
      return event.bytes;
    }
    const text = this.#stream().event(event);
    return text === "" ? undefined : text;
  }

  end(result: ChatResult, eventsSeen: boolean): string {
    // the provider's own frames ended the stream
    return this.#forwarded ? "" : this.#stream().end(result, !eventsSeen);
  }

  error(error: GatewayError): string {
    return sseEvent("error", JSON.stringify(errorBody(error, this.#call.id)));
  }

  #stream(): MessagesStreamWriter {
    this.#writer ??= new MessagesStreamWriter(this.#call.id, this.#call.request.model, this.#note);
    return this.#writer;
  }
}
