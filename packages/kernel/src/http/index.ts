export type { JsonCall } from "./decode-json-call.ts";
export { decodeJsonCall } from "./decode-json-call.ts";
export { contractError, errorHeaders } from "./error-contract.ts";
export type { GatewayFields, OwnField } from "./gateway-fields.ts";
export { takeGatewayFields } from "./gateway-fields.ts";
export type { JsonEditOptions, JsonEdits, JsonLimits } from "./json-body.ts";
export { JsonBody, parseJsonBody } from "./json-body.ts";
export {
  fieldError,
  optionalCount,
  optionalFlag,
  optionalList,
  optionalNumber,
  optionalObject,
  optionalText,
  optionalTexts,
} from "./json-fields.ts";
export type { JsonObject } from "./json-object.ts";
export { isJsonObject } from "./json-object.ts";
export type { JsonRequest } from "./json-request.ts";
export { jsonRequest } from "./json-request.ts";
export type { MultipartLimits, MultipartPart } from "./multipart-decode.ts";
export { multipartParts } from "./multipart-decode.ts";
export type { MultipartBody, MultipartField, MultipartFile } from "./multipart-encode.ts";
export { encodeMultipart, streamMultipart } from "./multipart-encode.ts";
export { NdjsonDecoder, ndjsonValues } from "./ndjson.ts";
export type { UpstreamOptions } from "./open-stream.ts";
export { openStream } from "./open-stream.ts";
export type { JsonSchema } from "./parse-json.ts";
export { parseJson } from "./parse-json.ts";
export { isPublicAddress } from "./public-address.ts";
export { maskSecret, redactHeaders, redactText } from "./redact.ts";
export type { RequestHead } from "./request-shape.ts";
export { checkRequestShape } from "./request-shape.ts";
export { durationMs, retryAfterMs } from "./retry-after.ts";
export { sendJson } from "./send-json.ts";
export type { SseEvent } from "./sse-decode.ts";
export { MAX_SSE_FRAME_BYTES, SseDecoder, sseEvents } from "./sse-decode.ts";
export { SSE_DONE, SSE_HEARTBEAT, sseData, sseEvent } from "./sse-encode.ts";
export { SseFrameSplitter } from "./sse-frames.ts";
export type { TransportOptions } from "./undici-transport.ts";
export { createTransport } from "./undici-transport.ts";
export type { UpstreamErrorFacts, UpstreamErrorResponse } from "./upstream-error.ts";
export { upstreamError } from "./upstream-error.ts";
export type { UrlGuard, UrlGuardOptions } from "./url-guard.ts";
export { urlGuard } from "./url-guard.ts";
