import type { ChatResult, Choice, Extra, NativeResult, Usage } from "@signalbox/kernel";
import { messageChoice, messageExtra, messageOf, usageOf } from "./chat-result.ts";
import type { JsonObject } from "./json-object.ts";
import { stringOf } from "./json-object.ts";
import { MESSAGES_DIALECT } from "./names.ts";
import { NO_STAND_INS } from "./reply-parts.ts";
import { serviceTierFrom, usageFrom } from "./usage.ts";

/**
 * A message in Anthropic's own bytes. What nobody asks for is not translated: the content is read when a layer looks.
 *
 * `native` is not enumerable: a copy by spread, which may have been changed, is never sent in the provider's words.
 *
 * @throws {GatewayError} `provider_error` when the body is no message
 */
export function nativeChatResult(body: Buffer, parsed: unknown, createdAt: number): ChatResult {
  const message = messageOf(parsed);
  const usage = usageOf(message);
  const serviceTier = serviceTierFrom(usage);
  let choices: readonly Choice[] | undefined;
  const result = {
    id: stringOf(message.id) ?? "",
    model: stringOf(message.model) ?? "",
    createdAt,
    get choices(): readonly Choice[] {
      choices ??= [messageChoice(message, NO_STAND_INS)];
      return choices;
    },
    usage: usageFrom(usage),
    ...(serviceTier !== undefined && { serviceTier }),
    get extra(): Extra | undefined {
      return messageExtra(message, usage);
    },
  };
  Object.defineProperty(result, "native", { value: { dialect: MESSAGES_DIALECT, body }, enumerable: false });
  return result as ChatResult;
}

/** What is known about a stream that was forwarded unread. */
export class ForwardedChatResult implements ChatResult {
  readonly id: string;
  readonly model: string;
  readonly createdAt: number;
  readonly usage: Usage;
  readonly serviceTier?: string;
  readonly native: NativeResult = { dialect: MESSAGES_DIALECT };

  constructor(message: JsonObject | undefined, usage: JsonObject, createdAt: number) {
    this.id = stringOf(message?.id) ?? "";
    this.model = stringOf(message?.model) ?? "";
    this.createdAt = createdAt;
    this.usage = usageFrom(usage);
    const serviceTier = serviceTierFrom(usage);
    if (serviceTier !== undefined) this.serviceTier = serviceTier;
  }

  get choices(): readonly Choice[] {
    throw new Error(
      'the content of a forwarded stream is not kept; a layer that needs it must be placed with events: "read"',
    );
  }
}
