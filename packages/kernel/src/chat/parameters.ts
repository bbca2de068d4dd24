import type { Attempt } from "../call.ts";
import { GatewayError } from "../errors.ts";
import type { ChatRequest } from "./request.ts";

/** Optional fields of a chat request that a model may not take, by the name clients know (OpenAI's words). */
export const CHAT_PARAMETERS = {
  tools: "tools",
  toolChoice: "tool_choice",
  parallelToolCalls: "parallel_tool_calls",
  maxOutputTokens: "max_tokens",
  temperature: "temperature",
  topP: "top_p",
  topK: "top_k",
  stop: "stop",
  seed: "seed",
  frequencyPenalty: "frequency_penalty",
  presencePenalty: "presence_penalty",
  logitBias: "logit_bias",
  logprobs: "logprobs",
  topLogprobs: "top_logprobs",
  choiceCount: "n",
  responseFormat: "response_format",
  reasoning: "reasoning_effort",
  verbosity: "verbosity",
  modalities: "modalities",
  audio: "audio",
  prediction: "prediction",
  serviceTier: "service_tier",
  user: "user",
  metadata: "metadata",
  store: "store",
} as const;

/** A field of a chat request that some models do not take. */
export type ChatParameter = keyof typeof CHAT_PARAMETERS;

/**
 * Applies the rule for parameters a model does not take: refuse the request naming parameter and model, or, with
 * `drop_params`, leave them out and say so. Returns the fields to leave out; those that an operator or client allows
 * on purpose (`allowed_openai_params`) are neither.
 *
 * @param unsupported fields set in the request that the model does not take
 * @throws {GatewayError} `unsupported_parameter`
 */
export function parametersToDrop(
  attempt: Attempt<"chat">,
  unsupported: readonly ChatParameter[],
): readonly ChatParameter[] {
  const { deployment, options, trace } = attempt;
  const always = [...(deployment.additionalDropParams ?? []), ...(options.additionalDropParams ?? [])];
  if (unsupported.length === 0 && always.length === 0) return [];
  const allowed = new Set([...(deployment.allowedParams ?? []), ...(options.allowedParams ?? [])]);
  const drop = options.dropParams ?? deployment.dropParams ?? false;
  const dropped: ChatParameter[] = [];
  for (const field of unsupported) {
    const name = CHAT_PARAMETERS[field];
    if (allowed.has(name) || always.includes(name)) continue;
    if (!drop) {
      throw new GatewayError(
        "unsupported_parameter",
        `${JSON.stringify(name)} is not supported by model ${JSON.stringify(attempt.upstreamModel)} of provider ` +
          `${JSON.stringify(deployment.provider)}; remove it, or set "drop_params": true to have it left out`,
        { param: name, source: deployment.provider },
      );
    }
    trace.drop(name);
    dropped.push(field);
  }
  for (const field of Object.keys(CHAT_PARAMETERS) as ChatParameter[]) {
    if (attempt.request[field] === undefined || !always.includes(CHAT_PARAMETERS[field])) continue;
    trace.drop(CHAT_PARAMETERS[field]);
    dropped.push(field);
  }
  return dropped;
}

/** The request without some fields; the same object when there are none. */
export function withoutParameters(request: ChatRequest, fields: readonly ChatParameter[]): ChatRequest {
  if (fields.length === 0) return request;
  const rest: Record<string, unknown> = { ...request };
  for (const field of fields) delete rest[field];
  return rest as unknown as ChatRequest;
}

/**
 * The request without what the model does not take, for providers that know what it does: every other parameter that is
 * set goes through {@link parametersToDrop}. Those that an operator or client allows on purpose stay.
 *
 * ```ts
 * const request = onlyParameters(attempt, ["maxOutputTokens", "temperature", "stop"]);
 * ```
 *
 * @throws {GatewayError} `unsupported_parameter`
 */
export function onlyParameters(attempt: Attempt<"chat">, taken: readonly ChatParameter[]): ChatRequest {
  const { request } = attempt;
  const fields = Object.keys(CHAT_PARAMETERS) as ChatParameter[];
  const unsupported = fields.filter((field) => request[field] !== undefined && !taken.includes(field));
  return withoutParameters(request, parametersToDrop(attempt, unsupported));
}
