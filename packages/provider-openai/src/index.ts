export { matches, OPENAI_MODELS } from "./capabilities.ts";
export { chatOperation } from "./chat.ts";
export { decodeChat } from "./chat-decode.ts";
export { chatDialect } from "./chat-dialect.ts";
export type { EncodeOptions } from "./chat-encode.ts";
export { encodeCompletion } from "./chat-encode.ts";
export type { StreamOptions } from "./chat-encode-stream.ts";
export { ChunkEncoder } from "./chat-encode-stream.ts";
export { ChunkDecoder } from "./chat-events.ts";
export { chatBody } from "./chat-request.ts";
export type { ReplyContext } from "./chat-result.ts";
export { chatResult } from "./chat-result.ts";
export { completeOperation } from "./complete.ts";
export { completionsDialect } from "./completions-dialect.ts";
export { countTokens, estimateTokens } from "./count-tokens.ts";
export { embedOperation } from "./embed.ts";
export { embeddingsDialect } from "./embeddings-dialect.ts";
export type { EndpointSettings } from "./endpoints.ts";
export { wireEndpoints } from "./endpoints.ts";
export { encodeOpenaiError, encodeStreamError } from "./error-encode.ts";
export { bodyFailure, upstreamFailure } from "./errors.ts";
export { listModelsOperation } from "./models.ts";
export { modelsDialect } from "./models-dialect.ts";
export type { OpenAIOptions } from "./openai.ts";
export { OPENAI_PROFILE, openai } from "./openai.ts";
export { openaiDialects } from "./openai-dialects.ts";
export { openaiWire } from "./openai-wire.ts";
export type {
  EndpointSource,
  ErrorRow,
  ModelRule,
  ModelRules,
  WireEndpoint,
  WireProfile,
  WireResource,
} from "./profile.ts";
export { readUsage, writeUsage } from "./usage.ts";
export type { WireConfig, WireOptions } from "./wire.ts";
export { wireConfig } from "./wire.ts";
