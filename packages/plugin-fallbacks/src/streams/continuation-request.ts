import type { ChatRequest, Message, Part } from "@signalbox/kernel";

/** Characters of a token, at most: what is left of `max_tokens` is rather too much than too little. */
const CHARACTERS_PER_TOKEN = 4;
/** Some providers take no less. */
const LEAST_TOKENS = 16;

const GO_ON =
  "Your last message was cut off by a technical failure before it was complete. Go on exactly where it stops, in the " +
  "same language and format: what you write now is appended to it as it is, so begin with a space or a line break if " +
  "one belongs there. Do not repeat any of it, do not start again, and do not mention the interruption.";

/** Why the reply to a request cannot be put together from two: undefined when it can. */
export function whyNotContinued(request: ChatRequest): string | undefined {
  const { choiceCount = 1, logprobs, topLogprobs, responseFormat, audio, modalities } = request;
  if (choiceCount > 1) return "it has several choices";
  if (logprobs === true || topLogprobs !== undefined) return "its log probabilities would come from two models";
  if (responseFormat !== undefined && responseFormat.type !== "text") return "two halves of JSON may not fit";
  if (audio !== undefined || modalities?.some((modality) => modality !== "text")) return "it is not text alone";
  return undefined;
}

/**
 * The request for the rest of an answer. It ends with what was said so far and a message that asks to go on; with
 * `prefill`, with what was said alone, for models that go on from there by themselves.
 *
 * The message is the rule, because one request may reach several models: newer Anthropic models refuse an answer that is
 * begun for them, so does thinking, and OpenAI's models begin anew.
 *
 * @param content what was said so far
 */
export function continuationRequest(request: ChatRequest, content: readonly Part[], prefill: boolean): ChatRequest {
  const said = content.filter((part) => part.type === "text" && part.text.trim() !== "");
  const texts = said.map((part): Part => ({ type: "text", text: (part as { text: string }).text }));
  const messages: Message[] = [...request.messages, { role: "assistant", content: texts }];
  if (!prefill || !canPrefill(request, texts)) {
    messages.push({ role: "user", content: [{ type: "text", text: GO_ON }] });
  }
  const { maxOutputTokens } = request;
  if (maxOutputTokens === undefined) return { ...request, messages };
  const left = Math.max(LEAST_TOKENS, maxOutputTokens - estimatedTokens(content));
  return { ...request, messages, maxOutputTokens: Math.min(maxOutputTokens, left) };
}

/** Anthropic takes neither spaces at the end of an answer that is begun for it, nor thinking with it. */
function canPrefill(request: ChatRequest, texts: readonly Part[]): boolean {
  const last = texts.at(-1);
  return request.reasoning === undefined && last?.type === "text" && last.text.trimEnd() === last.text;
}

function estimatedTokens(content: readonly Part[]): number {
  let characters = 0;
  for (const part of content) if (part.type === "text" || part.type === "reasoning") characters += part.text.length;
  return Math.ceil(characters / CHARACTERS_PER_TOKEN);
}
