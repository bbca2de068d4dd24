import type { Attempt } from "../call.ts";
import { GatewayError } from "../errors.ts";
import type { Reply } from "../operation.ts";
import type { CanonicalChatEvent } from "./event.ts";
import { ChatFold } from "./fold.ts";

/**
 * A chat reply from its events: they are passed on, and the result is what they fold to.
 *
 * ```ts
 * const operations = { chat: (attempt: Attempt<"chat">) => foldReply(attempt, events(attempt)) };
 * ```
 *
 * @throws {GatewayError} `provider_error` when the events end before every choice has ended: the stream broke
 */
export async function* foldReply(
  { deployment }: Pick<Attempt, "deployment">,
  events: AsyncIterable<CanonicalChatEvent>,
): Reply<"chat"> {
  const fold = new ChatFold();
  for await (const event of events) {
    fold.push(event);
    yield event;
  }
  if (fold.complete) return fold.result();
  const source = deployment.provider;
  throw new GatewayError("provider_error", `provider ${JSON.stringify(source)} ended its answer too early`, { source });
}
