import type { CallRoute, Dialect, EmbedRequest, EmbedResult, HttpReply, ReplyEncoder } from "@signalbox/kernel";
import type { JsonCall, JsonObject } from "@signalbox/kernel/http";
import { decodeJsonCall, fieldError, optionalCount, optionalText, SSE_HEARTBEAT } from "@signalbox/kernel/http";
import { modelOf } from "./chat-decode.ts";
import { CLIENT_HEADERS, isOwnField, jsonReply } from "./dialect-request.ts";
import { EMBEDDINGS_DIALECT } from "./embed.ts";
import { encodeVector } from "./embed-request.ts";
import { encodeOpenaiError, encodeStreamError } from "./error-encode.ts";
import { otherMembers, WIRE } from "./json.ts";

const PATHS: readonly string[] = [
  "/v1/embeddings",
  "/embeddings",
  "/openai/v1/embeddings",
  "/engines/:model/embeddings",
  "/openai/deployments/:model/embeddings",
];

/** OpenAI Embeddings. */
export function embeddingsDialect(): Dialect {
  return { name: EMBEDDINGS_DIALECT, routes: PATHS.map(embedRoute), encodeError: encodeOpenaiError };
}

function embedRoute(path: string): CallRoute<"embed"> {
  return { kind: "call", method: "POST", path, operation: "embed", decode: (http) => decodeJsonCall(http, CALL) };
}

const CALL: JsonCall<"embed"> = {
  dialect: EMBEDDINGS_DIALECT,
  headers: CLIENT_HEADERS,
  isOwn: isOwnField,
  request: (body, { params }) => decodeEmbed(body, params["model"]),
  encoder: ({ request }) => embedEncoder(request),
};

const KNOWN: ReadonlySet<string> = new Set(["model", "input", "dimensions", "encoding_format", "input_type", "user"]);

/** @throws {GatewayError} `invalid_request` naming the field */
function decodeEmbed(body: JsonObject, model?: string): EmbedRequest {
  const dimensions = optionalCount(body, "dimensions");
  const encoding = optionalText(body, "encoding_format");
  if (encoding !== undefined && encoding !== "float" && encoding !== "base64") {
    throw fieldError("encoding_format", '"float" or "base64"');
  }
  const inputType = optionalText(body, "input_type");
  const user = optionalText(body, "user");
  const others = otherMembers(body, KNOWN);
  return {
    model: modelOf(body, model),
    inputs: inputsOf(body["input"]),
    ...(dimensions !== undefined && { dimensions }),
    ...(encoding !== undefined && { encoding }),
    ...(inputType !== undefined && { inputType }),
    ...(user !== undefined && { user }),
    ...(others !== undefined && { extra: { [WIRE]: others } }),
  };
}

const INPUT = "a string, an array of strings, an array of token ids or an array of such arrays";

/** A prompt or input of several kinds, as OpenAI allows it: texts or token ids, one or many. */
export function inputsOf(value: unknown, path: string = "input"): readonly (string | readonly number[])[] {
  if (typeof value === "string") return [value];
  if (!Array.isArray(value) || value.length === 0) throw fieldError(path, INPUT);
  if (value.every((item) => typeof item === "number")) return [value as readonly number[]];
  return value.map((item: unknown, at) => {
    if (typeof item === "string") return item;
    const tokens = Array.isArray(item) && item.length > 0 && item.every((token) => typeof token === "number");
    if (!tokens) throw fieldError(`${path}[${at}]`, "a string or an array of token ids");
    return item as readonly number[];
  });
}

function embedEncoder(request: EmbedRequest): ReplyEncoder<"embed"> {
  return {
    streaming: false,
    heartbeat: SSE_HEARTBEAT,
    result: (result) => encodeEmbeddings(result, request),
    event: () => undefined,
    end: () => "",
    error: encodeStreamError,
  };
}

function encodeEmbeddings(result: EmbedResult, request: EmbedRequest): HttpReply {
  const { native } = result;
  if (native?.body !== undefined && native.dialect === EMBEDDINGS_DIALECT) return jsonReply(native.body);
  const { usage: others, ...members } = result.extra?.[WIRE] ?? {};
  const base64 = request.encoding === "base64";
  return jsonReply(
    JSON.stringify({
      object: "list",
      data: result.embeddings.map((vector, index) => ({
        object: "embedding",
        index,
        embedding: base64 ? encodeVector(vector) : Array.from(vector),
      })),
      model: result.model,
      usage: {
        prompt_tokens: result.usage.inputTokens,
        total_tokens: result.usage.inputTokens,
        ...(others as object | undefined),
      },
      ...members,
    }),
  );
}
