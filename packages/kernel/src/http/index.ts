export { SSE_DONE, SSE_HEARTBEAT, sseData, sseEvent } from "./sse-encode.ts";
export { SseDecoder, sseEvents } from "./sse-decode.ts";
export type { SseEvent } from "./sse-decode.ts";
export { MAX_SSE_FRAME_BYTES, SseFrameSplitter } from "./sse-frames.ts";
export { JsonBody, parseJsonBody } from "./json-body.ts";
export type { JsonEditOptions, JsonEdits, JsonLimits } from "./json-body.ts";
