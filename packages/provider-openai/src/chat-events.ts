import type { CanonicalChatEvent, Extra, Usage } from "@signalbox/kernel";
import { mergeExtra, NO_USAGE } from "@signalbox/kernel";
import type { JsonObject } from "@signalbox/kernel/http";
import { isJsonObject } from "@signalbox/kernel/http";
import { ChoiceDecoder } from "./chat-choice.ts";
import type { ReplyContext } from "./chat-result.ts";
import { createdOf, TOP_MEMBERS, usageOf } from "./chat-result.ts";
import { choiceIndex } from "./chunks.ts";
import { listOf, objectOf, otherMembers, textIn, WIRE } from "./json.ts";
import { otherUsage } from "./usage.ts";

/** Turns `chat.completion.chunk` objects into events. Stateful: sees every chunk of one reply once, in order. */
export class ChunkDecoder {
  readonly #context: ReplyContext;
  readonly #choices: Map<number, ChoiceDecoder> = new Map();
  #started = false;
  #early: Extra | undefined;
  #known: Record<string, unknown> = {};
  #usage: Usage | undefined;
  #tier: string | undefined;

  constructor(context: ReplyContext) {
    this.#context = context;
  }

  push(chunk: JsonObject): readonly CanonicalChatEvent[] {
    const events: CanonicalChatEvent[] = [];
    const choices = listOf(chunk["choices"]);
    let extra = this.#newMembers(chunk);
    if (!this.#started) {
      // Azure opens with a chunk that has neither id nor choices: what it carries belongs to the reply's start.
      if (textIn(chunk["id"]) === undefined && choices.length === 0 && chunk["usage"] == null) {
        this.#early = mergeExtra(this.#early, extra);
        return events;
      }
      events.push(this.#start(chunk, mergeExtra(this.#early, extra)));
      extra = undefined;
    }
    for (const value of choices) {
      if (isJsonObject(value)) this.#choice(value).push(value, events);
    }
    this.#update(chunk, extra, events);
    return events;
  }

  /** The host says that the reply is over: choices that have not ended end here. */
  finish(): readonly CanonicalChatEvent[] {
    const events: CanonicalChatEvent[] = [];
    for (const choice of this.#choices.values()) choice.finish(events);
    return events;
  }

  #start(chunk: JsonObject, extra: Extra | undefined): CanonicalChatEvent {
    this.#started = true;
    this.#tier = textIn(chunk["service_tier"]);
    return {
      type: "replyStart",
      id: textIn(chunk["id"]) ?? "",
      model: textIn(chunk["model"]) ?? "",
      createdAt: createdOf(chunk["created"]),
      ...(this.#tier !== undefined && { serviceTier: this.#tier }),
      ...(extra !== undefined && { extra }),
    };
  }

  /** Usage, and members that no earlier chunk had. */
  #update(chunk: JsonObject, extra: Extra | undefined, events: CanonicalChatEvent[]): void {
    const counts = objectOf(chunk["usage"]) ?? objectOf(objectOf(chunk["x_groq"])?.["usage"]);
    const tier = textIn(chunk["service_tier"]);
    const newTier = tier !== undefined && tier !== this.#tier ? tier : undefined;
    if (counts === undefined && extra === undefined && newTier === undefined) return;
    if (counts !== undefined) this.#usage = usageOf(chunk, this.#context.profile);
    this.#tier = tier ?? this.#tier;
    const others = otherUsage(chunk["usage"]);
    const both = others === undefined ? extra : mergeExtra(extra, { [WIRE]: { usage: others } });
    events.push({
      type: "usageUpdate",
      usage: this.#usage ?? NO_USAGE,
      ...(newTier !== undefined && { serviceTier: newTier }),
      ...(both !== undefined && { extra: both }),
    });
  }

  /** Most members are repeated in every chunk: only new values are told. */
  #newMembers(chunk: JsonObject): Extra | undefined {
    const others = otherMembers(chunk, TOP_MEMBERS);
    if (others === undefined) return undefined;
    let fresh: Record<string, unknown> | undefined;
    for (const name in others) {
      const value = others[name];
      const before = this.#known[name];
      if (before === value) continue;
      if (typeof value === "object" && before !== undefined && JSON.stringify(before) === JSON.stringify(value))
        continue;
      this.#known[name] = value;
      fresh ??= {};
      fresh[name] = value;
    }
    return fresh === undefined ? undefined : { [WIRE]: fresh };
  }

  #choice(value: JsonObject): ChoiceDecoder {
    const index = choiceIndex(value, this.#context.profile);
    let choice = this.#choices.get(index);
    if (choice === undefined) {
      choice = new ChoiceDecoder(index, this.#context);
      this.#choices.set(index, choice);
    }
    return choice;
  }
}
