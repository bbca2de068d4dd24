import type { Call, ChatEvent, ChatResult, Dialect, GatewayError, ReplyEncoder } from "@signalbox/kernel";
import { isFrame } from "@signalbox/kernel";
import type { JsonCall } from "@signalbox/kernel/http";
import { decodeJsonCall, isJsonObject, sseEvent } from "@signalbox/kernel/http";
import { breakpointEdits } from "./breakpoint-edits.ts";
import { encodeError, errorBody } from "./dialect-errors.ts";
import { decodeMessagesRequest } from "./messages-decode.ts";
import { encodeMessage } from "./messages-encode.ts";
import { MessagesStreamWriter } from "./messages-stream.ts";
import { MESSAGES_DIALECT } from "./names.ts";
import type { Note } from "./reply-blocks.ts";

const PING = 'event: ping\ndata: {"type":"ping"}\n\n';

/** Client headers that travel on to Anthropic. */
export const CLIENT_HEADERS: readonly string[] = ["anthropic-version", "anthropic-beta"];

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
      decode: (http) => decodeJsonCall(http, CALL),
    })),
    encodeError,
  };
}

const CALL: JsonCall<"chat"> = {
  dialect: MESSAGES_DIALECT,
  headers: CLIENT_HEADERS,
  isOwn: isOwnField,
  request: (body) => decodeMessagesRequest(body),
  breakpointEdits,
  encoder: (call) => new MessagesEncoder(call),
};

/** Anthropic's own `fallbacks` holds objects; the gateway's holds names of models. */
export function isOwnField(name: string, value: unknown): boolean {
  return name === "fallbacks" && Array.isArray(value) && value.some(isJsonObject);
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
