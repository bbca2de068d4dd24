import type { ChatResult, Choice, Extra, NativeResult, Usage } from "@signalbox/kernel";
import type { JsonObject } from "@signalbox/kernel/http";
import { messageChoice, messageExtra, messageOf, usageOf } from "./chat-result.ts";
import { stringOf } from "./json-object.ts";
import { MESSAGES_DIALECT } from "./names.ts";
import { NO_STAND_INS } from "./reply-parts.ts";
import { serviceTierFrom, usageFrom } from "./usage.ts";

/**
 * A message in Anthropic's own bytes.
 *
 * `native` is not a property of its own: a copy by spread, which may have been changed, is never sent in the provider's
 * words. A class with plain fields: getters made anew for each reply would give each one a hidden class of its own,
 * which the engine keeps, with everything that it holds, until it collects the whole heap.
 */
class NativeChatResult implements ChatResult {
  readonly id: string;
  readonly model: string;
  readonly createdAt: number;
  readonly choices: readonly Choice[];
  readonly usage: Usage;
  readonly serviceTier?: string;
  readonly extra?: Extra;
  readonly #body: Buffer;

  constructor(body: Buffer, message: JsonObject, createdAt: number) {
    const usage = usageOf(message);
    this.id = stringOf(message.id) ?? "";
    this.model = stringOf(message.model) ?? "";
    this.createdAt = createdAt;
    this.choices = [messageChoice(message, NO_STAND_INS)];
    this.usage = usageFrom(usage);
    const serviceTier = serviceTierFrom(usage);
    if (serviceTier !== undefined) this.serviceTier = serviceTier;
    const extra = messageExtra(message, usage);
    if (extra !== undefined) this.extra = extra;
    this.#body = body;
  }

  get native(): NativeResult {
    return { dialect: MESSAGES_DIALECT, body: this.#body };
  }
}

/** @throws {GatewayError} `provider_error` when the body is no message */
export function nativeChatResult(body: Buffer, parsed: unknown, createdAt: number): ChatResult {
  return new NativeChatResult(body, messageOf(parsed), createdAt);
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
