import type { NativeResult } from "../native.ts";
import type { Usage } from "../usage.ts";
import type { Extra } from "./part.ts";
import type { ChatResult, Choice } from "./result.ts";

/**
 * `native` is not a property of its own: a copy by spread, which may have been changed, is written anew.
 *
 * Classes with plain fields: getters made anew for each reply would give each one a hidden class of its own, which the
 * engine keeps, with everything that it holds, until it collects the whole heap.
 */
class NativeChatResult implements ChatResult {
  readonly id: string;
  readonly model: string;
  readonly createdAt: number;
  readonly choices: readonly Choice[];
  readonly usage: Usage;
  readonly serviceTier?: string;
  readonly extra?: Extra;
  readonly #native: NativeResult;

  constructor(result: ChatResult, native: NativeResult) {
    this.id = result.id;
    this.model = result.model;
    this.createdAt = result.createdAt;
    this.choices = result.choices;
    this.usage = result.usage;
    if (result.serviceTier !== undefined) this.serviceTier = result.serviceTier;
    if (result.extra !== undefined) this.extra = result.extra;
    this.#native = native;
  }

  get native(): NativeResult {
    return this.#native;
  }
}

class ForwardedChatResult implements ChatResult {
  readonly id: string;
  readonly model: string;
  readonly createdAt: number;
  readonly usage: Usage;
  readonly serviceTier?: string;
  readonly extra?: Extra;
  readonly #dialect: string;

  constructor(known: Omit<ChatResult, "choices">, dialect: string) {
    this.id = known.id;
    this.model = known.model;
    this.createdAt = known.createdAt;
    this.usage = known.usage;
    if (known.serviceTier !== undefined) this.serviceTier = known.serviceTier;
    if (known.extra !== undefined) this.extra = known.extra;
    this.#dialect = dialect;
  }

  get choices(): never {
    throw new Error(
      'the content of a forwarded stream is not kept; a layer that needs it must be placed with events: "read"',
    );
  }

  get native(): NativeResult {
    return { dialect: this.#dialect };
  }
}

/** A reply beside its own bytes, for clients that speak the provider's dialect. A copy of it has lost the bytes. */
export function nativeChatResult(result: ChatResult, native: NativeResult): ChatResult {
  return new NativeChatResult(result, native);
}

/** What is known of a stream whose frames went to the client unread. Reading its `choices` throws. */
export function forwardedChatResult(known: Omit<ChatResult, "choices">, dialect: string): ChatResult {
  return new ForwardedChatResult(known, dialect);
}
