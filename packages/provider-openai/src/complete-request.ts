import type { Attempt } from "@signalbox/kernel";
import { WIRE } from "./json.ts";
import type { WireProfile } from "./profile.ts";

/** The body of a text completion for the wire. */
export function completeBody(attempt: Attempt<"complete">, profile: WireProfile): Record<string, unknown> {
  const { request } = attempt;
  const [only] = request.prompts;
  const body: Record<string, unknown> = {
    model: attempt.upstreamModel,
    prompt: request.prompts.length === 1 ? only : request.prompts,
  };
  const put = (name: string, value: unknown): void => {
    if (value !== undefined) body[name] = value;
  };
  put("suffix", request.suffix);
  put("max_tokens", request.maxOutputTokens);
  put("temperature", request.temperature);
  put("top_p", request.topP);
  put("n", request.choiceCount);
  put("best_of", request.bestOf);
  put("logprobs", request.logprobs);
  put("echo", request.echo);
  put("stop", request.stop);
  put("seed", request.seed);
  put("frequency_penalty", request.frequencyPenalty);
  put("presence_penalty", request.presencePenalty);
  put("logit_bias", request.logitBias);
  put("user", request.user);
  if (request.stream === true) {
    body["stream"] = true;
    if (profile.streamOptions !== false) body["stream_options"] = { include_usage: true };
  }
  return { ...request.extra?.[WIRE], ...body, ...attempt.deployment.extraBody };
}
