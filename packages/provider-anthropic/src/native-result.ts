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
 * `choices` and `extra` are the object's own properties, so that a copy by spread has them; `native` is not, so that a
 * copy, which may have been changed, is never sent in the provider's words.
 */
export class NativeChatResult implements ChatResult {
  readonly #body: Buffer;
  readonly id: string;
  readonly model: string;
  readonly createdAt: number;
  declare readonly choices: readonly Choice[];
  readonly usage: Usage;
  declare readonly serviceTier?: string;
  declare readonly extra?: Extra;

  /** @throws {GatewayError} `provider_error` when the body is no message */
  constructor(body: Buffer, parsed: unknown, createdAt: number) {
    const message = messageOf(parsed);
    const usage = usageOf(message);
    this.#body = body;
    this.id = stringOf(message.id) ?? "";
    this.model = stringOf(message.model) ?? "";
    this.createdAt = createdAt;
    this.usage = usageFrom(usage);
    lazy(this, "choices", () => [messageChoice(message, NO_STAND_INS)]);
    const serviceTier = serviceTierFrom(usage);
    if (serviceTier !== undefined) (this as { serviceTier?: string }).serviceTier = serviceTier;
    lazy(this, "extra", () => messageExtra(message, usage));
  }

  get native(): NativeResult {
    return { dialect: MESSAGES_DIALECT, body: this.#body };
  }
}

/** Computed at the first look, then a plain value. */
function lazy(target: object, name: string, compute: () => unknown): void {
  Object.defineProperty(target, name, {
    configurable: true,
    enumerable: true,
    get() {
      const value = compute();
      Object.defineProperty(target, name, { configurable: true, enumerable: true, value });
      return value;
    },
  });
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
