import type { Attempt } from "../call.ts";
import type { ChatEvent } from "../chat/event.ts";
import { textOf } from "../chat/part.ts";
import type { ChatRequest } from "../chat/request.ts";
import type { ChatResult } from "../chat/result.ts";
import { GatewayError } from "../errors.ts";
import type { Reply } from "../operation.ts";
import type { CompleteEvent, CompleteRequest, CompleteResult } from "./complete.ts";

/** The member, in the client's words, that a chat cannot do; undefined when it can do all of the request. */
function beyondChat(request: CompleteRequest): string | undefined {
  if (request.prompts.length !== 1 || typeof request.prompts[0] !== "string") return "prompt";
  if (request.suffix !== undefined) return "suffix";
  if (request.echo === true) return "echo";
  if (request.bestOf !== undefined && request.bestOf > 1) return "best_of";
  return request.logprobs === undefined ? undefined : "logprobs";
}

/**
 * Text completions by way of a provider's chat, for models and hosts that have no other: one prompt becomes one user
 * message. What a chat cannot do (several prompts, token ids, `suffix`, `echo`, `best_of`, `logprobs`) is refused.
 *
 * ```ts
 * operations: { chat, complete: completeThroughChat(chat) }
 * ```
 */
export function completeThroughChat(
  chat: (attempt: Attempt<"chat">) => Reply<"chat">,
): (attempt: Attempt<"complete">) => Reply<"complete"> {
  return async function* complete(attempt) {
    const member = beyondChat(attempt.request);
    if (member !== undefined) {
      throw new GatewayError(
        "unsupported_parameter",
        `${JSON.stringify(member)} in this form is not supported by model ${JSON.stringify(attempt.upstreamModel)}, ` +
          "which only answers chats",
        { param: member, source: attempt.deployment.provider, retryable: true },
      );
    }
    const { native: _, ...rest } = { ...attempt };
    const reply = chat({ ...rest, operation: "chat", request: chatOf(attempt.request) });
    try {
      for (;;) {
        const step = await reply.next();
        if (step.done === true) return completionOf(step.value);
        const event = eventOf(step.value);
        if (event !== undefined) yield event;
      }
    } finally {
      await reply.return(undefined as never);
    }
  };
}

function chatOf(request: CompleteRequest): ChatRequest {
  const { prompts, suffix: _, logprobs: __, bestOf: ___, echo: ____, ...common } = request;
  return { ...common, messages: [{ role: "user", content: [{ type: "text", text: prompts[0] as string }] }] };
}

function eventOf(event: ChatEvent): CompleteEvent | undefined {
  switch (event.type) {
    case "replyStart":
      return { type: "replyStart", id: event.id, model: event.model, createdAt: event.createdAt };
    case "partDelta":
      return event.delta.type === "text"
        ? { type: "textDelta", choice: event.choice, text: event.delta.text }
        : undefined;
    case "choiceEnd":
      return { type: "choiceEnd", choice: event.choice, finishReason: event.finishReason };
    default:
      return undefined;
  }
}

function completionOf(result: ChatResult): CompleteResult {
  return {
    id: result.id,
    model: result.model,
    createdAt: result.createdAt,
    choices: result.choices.map(({ index, content, finishReason }) => ({ index, text: textOf(content), finishReason })),
    usage: result.usage,
    ...(result.extra !== undefined && { extra: result.extra }),
  };
}
