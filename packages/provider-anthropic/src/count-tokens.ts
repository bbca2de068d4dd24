import type { Attempt, ChatRequest, CountTokensResult, Reply } from "@signalbox/kernel";
import { GatewayError, nativeRequest, replyOf } from "@signalbox/kernel";
import { chatRequest } from "./chat-request.ts";
import type { Endpoint } from "./endpoint.ts";
import { requestHeaders } from "./endpoint.ts";
import { apiError, parseReply } from "./errors.ts";
import { ANTHROPIC, COUNT_TOKENS_DIALECT } from "./names.ts";
import { canReplayThinking } from "./replayed-thinking.ts";
import { tokenCount } from "./schemas.ts";

/** Members of a Messages request that cost no input, and that the counting endpoint does not take. */
const NOT_COUNTED: readonly string[] = ["max_tokens", "stream", "stop_sequences", "metadata", "service_tier"];

/** Fields that change the answer, not the question. */
const ANSWER_FIELDS = [
  "temperature",
  "topP",
  "topK",
  "seed",
  "frequencyPenalty",
  "presencePenalty",
  "logitBias",
  "logprobs",
  "topLogprobs",
  "choiceCount",
  "modalities",
  "audio",
  "prediction",
  "store",
  "verbosity",
  "serviceTier",
] as const satisfies readonly (keyof ChatRequest)[];

/** `POST /v1/messages/count_tokens`. */
export function countTokens(attempt: Attempt<"countTokens">, endpoint: Endpoint): Reply<"countTokens"> {
  return replyOf(() => count(attempt, endpoint));
}

async function count(attempt: Attempt<"countTokens">, endpoint: Endpoint): Promise<CountTokensResult> {
  const native = canReplayThinking(attempt.request.chat.messages, attempt.upstreamModel)
    ? nativeRequest(attempt, COUNT_TOKENS_DIALECT)
    : undefined;
  const clientHeaders = attempt.native?.dialect === COUNT_TOKENS_DIALECT ? attempt.native : undefined;
  let body: Buffer | string;
  let betas: readonly string[] = [];
  if (native === undefined) {
    const encoded = countRequest(attempt, endpoint);
    body = JSON.stringify(encoded.body);
    betas = encoded.betas;
  } else {
    body = native.body.edit({ ...native.edits, model: JSON.stringify(attempt.upstreamModel) });
  }
  const response = await attempt.transport.send({
    method: "POST",
    origin: endpoint.origin,
    path: `${endpoint.basePath}/v1/messages/count_tokens`,
    headers: requestHeaders(endpoint, clientHeaders, betas),
    body,
  });
  if (response.status >= 300) throw apiError(response.status, response.headers, response.body);
  const checked = tokenCount.safeParse(parseReply(response.body));
  if (!checked.success) {
    throw new GatewayError("provider_error", "the upstream's reply is not a token count", {
      source: ANTHROPIC,
      cause: checked.error,
    });
  }
  return {
    inputTokens: checked.data.input_tokens,
    ...(native !== undefined && { native: { dialect: COUNT_TOKENS_DIALECT, body: response.body } }),
  };
}

function countRequest(
  attempt: Attempt<"countTokens">,
  endpoint: Endpoint,
): { readonly body: Record<string, unknown>; readonly betas: readonly string[] } {
  const chat: { -readonly [Field in keyof ChatRequest]: ChatRequest[Field] } = { ...attempt.request.chat };
  for (const field of ANSWER_FIELDS) delete chat[field];
  // the chat request inside is written as a chat attempt would write it
  const asChat: Attempt<"chat"> = { ...attempt, operation: "chat", request: chat };
  const { body, betas } = chatRequest(asChat, endpoint.capabilities);
  for (const name of NOT_COUNTED) delete body[name];
  return { body, betas };
}
