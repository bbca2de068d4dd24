import type {
  Call,
  CallRoute,
  CompleteEvent,
  CompleteRequest,
  CompleteResult,
  Dialect,
  GatewayError,
  HttpReply,
  ReplyEncoder,
  Usage,
} from "@signalbox/kernel";
import type { JsonCall, JsonObject } from "@signalbox/kernel/http";
import {
  decodeJsonCall,
  optionalCount,
  optionalFlag,
  optionalNumber,
  optionalObject,
  optionalText,
  SSE_DONE,
  SSE_HEARTBEAT,
  sseData,
} from "@signalbox/kernel/http";
import { modelOf } from "./chat-decode.ts";
import { finishWord } from "./chat-parts.ts";
import { COMPLETIONS_DIALECT } from "./complete.ts";
import { CLIENT_HEADERS, isOwnField, jsonReply } from "./dialect-request.ts";
import { inputsOf } from "./embeddings-dialect.ts";
import { encodeOpenaiError, encodeStreamError } from "./error-encode.ts";
import { objectOf, otherMembers, WIRE } from "./json.ts";
import { holdsData, holdsDone } from "./native-frames.ts";
import { optionalStops } from "./stops.ts";
import { writeUsage } from "./usage.ts";

const PATHS: readonly string[] = [
  "/v1/completions",
  "/completions",
  "/openai/v1/completions",
  "/engines/:model/completions",
  "/openai/deployments/:model/completions",
];

/**
 * OpenAI's legacy text completions. They are an operation of their own, not a chat in disguise: base models would get a
 * chat template they were never trained on. A provider whose model only chats bridges the call itself
 * (`completeThroughChat`).
 */
export function completionsDialect(): Dialect {
  return { name: COMPLETIONS_DIALECT, routes: PATHS.map(completeRoute), encodeError: encodeOpenaiError };
}

function completeRoute(path: string): CallRoute<"complete"> {
  return { kind: "call", method: "POST", path, operation: "complete", decode: (http) => decodeJsonCall(http, CALL) };
}

const CALL: JsonCall<"complete"> = {
  dialect: COMPLETIONS_DIALECT,
  headers: CLIENT_HEADERS,
  isOwn: isOwnField,
  request: (body, { params }) => decodeComplete(body, params["model"]),
  encoder: (call, body) => new CompletionEncoder(call, body),
};

const KNOWN: ReadonlySet<string> = new Set([
  "model",
  "prompt",
  "suffix",
  "stream",
  "stream_options",
  "max_tokens",
  "temperature",
  "top_p",
  "stop",
  "seed",
  "frequency_penalty",
  "presence_penalty",
  "logit_bias",
  "logprobs",
  "n",
  "best_of",
  "echo",
  "user",
]);

type Draft = { -readonly [Key in keyof CompleteRequest]: CompleteRequest[Key] };

/** OpenAI's default: a prompt that stands for the start of a document. */
const NO_PROMPT = "<|endoftext|>";

/** @throws {GatewayError} `invalid_request` naming the field */
function decodeComplete(body: JsonObject, model?: string): CompleteRequest {
  const request: Draft = { model: modelOf(body, model), prompts: inputsOf(body["prompt"] ?? NO_PROMPT, "prompt") };
  set(request, "suffix", optionalText(body, "suffix"));
  set(request, "stream", optionalFlag(body, "stream"));
  set(request, "maxOutputTokens", optionalCount(body, "max_tokens"));
  set(request, "temperature", optionalNumber(body, "temperature"));
  set(request, "topP", optionalNumber(body, "top_p"));
  set(request, "stop", optionalStops(body, "stop"));
  set(request, "seed", optionalNumber(body, "seed"));
  set(request, "frequencyPenalty", optionalNumber(body, "frequency_penalty"));
  set(request, "presencePenalty", optionalNumber(body, "presence_penalty"));
  set(request, "logitBias", optionalObject(body, "logit_bias") as CompleteRequest["logitBias"]);
  set(request, "logprobs", optionalCount(body, "logprobs"));
  set(request, "choiceCount", optionalCount(body, "n"));
  set(request, "bestOf", optionalCount(body, "best_of"));
  set(request, "echo", optionalFlag(body, "echo"));
  set(request, "user", optionalText(body, "user"));
  const others = otherMembers(body, KNOWN);
  if (others !== undefined) request.extra = { [WIRE]: others };
  return request;
}

function set<Name extends keyof Draft>(request: Draft, name: Name, value: Draft[Name] | undefined): void {
  if (value !== undefined) request[name] = value;
}

class CompletionEncoder implements ReplyEncoder<"complete"> {
  readonly streaming: boolean;
  readonly heartbeat: string = SSE_HEARTBEAT;
  readonly #includeUsage: boolean;
  readonly #id: string;
  #head = "";
  #lastFrames: Buffer | undefined;

  constructor(call: Call<"complete">, body: JsonObject) {
    this.streaming = call.request.stream === true;
    this.#includeUsage = objectOf(body["stream_options"])?.["include_usage"] === true;
    this.#id = `cmpl-${call.id}`;
  }

  result(result: CompleteResult): HttpReply {
    const { native } = result;
    if (native?.body !== undefined && native.dialect === COMPLETIONS_DIALECT) return jsonReply(native.body);
    const { usage: others, ...members } = result.extra?.[WIRE] ?? {};
    return jsonReply(
      JSON.stringify({
        id: result.id === "" ? this.#id : result.id,
        object: "text_completion",
        created: result.createdAt,
        model: result.model,
        choices: result.choices.map(({ text, index, logprobs, finishReason }) => ({
          text,
          index,
          logprobs: logprobs ?? null,
          finish_reason: finishWord(finishReason),
        })),
        usage: writeUsage(result.usage, others),
        ...members,
      }),
    );
  }

  event(event: CompleteEvent): Buffer | string | undefined {
    switch (event.type) {
      case "frame":
        if (holdsData(event.bytes)) this.#lastFrames = event.bytes;
        return event.bytes;
      case "replyStart":
        this.#begin(event);
        return undefined;
      case "textDelta":
        return this.#chunk(event.choice, event.text, event.logprobs ?? null, null);
      case "choiceEnd":
        return this.#chunk(event.choice, "", null, finishWord(event.finishReason));
    }
  }

  end(result: CompleteResult, eventsSeen: boolean): string {
    if (this.#lastFrames !== undefined) return holdsDone(this.#lastFrames) ? "" : SSE_DONE;
    let frames = "";
    if (!eventsSeen) {
      this.#begin(result);
      for (const { index, text, logprobs, finishReason } of result.choices) {
        frames += this.#chunk(index, text, logprobs ?? null, finishWord(finishReason));
      }
    }
    return `${frames}${this.#usage(result.usage)}${SSE_DONE}`;
  }

  error(error: GatewayError): string {
    return encodeStreamError(error);
  }

  #begin({ id, createdAt, model }: Pick<CompleteResult, "id" | "createdAt" | "model">): void {
    const head = { id: id === "" ? this.#id : id, object: "text_completion", created: createdAt, model };
    this.#head = `${JSON.stringify(head).slice(0, -1)},`;
  }

  #chunk(index: number, text: string, logprobs: unknown, word: string | null): string {
    const choice = JSON.stringify({ text, index, logprobs, finish_reason: word });
    return sseData(`${this.#head}"choices":[${choice}]${this.#includeUsage ? ',"usage":null' : ""}}`);
  }

  #usage(usage: Usage): string {
    return this.#includeUsage ? sseData(`${this.#head}"choices":[],"usage":${JSON.stringify(writeUsage(usage))}}`) : "";
  }
}
