import { GatewayError } from "../errors.ts";
import type { Usage } from "../usage.ts";
import { NO_USAGE } from "../usage.ts";
import type { CanonicalChatEvent, ChoiceEnd, PartDelta, ReplyStart } from "./event.ts";
import type { Citation, Extra, Part } from "./part.ts";
import type { ChatResult, Choice, Logprobs } from "./result.ts";

/** Room is made up to an index, and a provider may have read it off the wire: no reply has nearly so many. */
const MAX_CHOICES = 1024;
const MAX_PARTS = 10_000;

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

interface OpenChoice {
  readonly parts: (Mutable<Part> | undefined)[];
  end: ChoiceEnd | undefined;
  content: unknown[] | undefined;
  refusal: unknown[] | undefined;
}

/** Builds the result of a streamed answer from its events. */
export class ChatFold {
  #start: ReplyStart | undefined;
  readonly #choices: OpenChoice[] = [];
  #usage: Usage | undefined;
  #serviceTier: string | undefined;
  #extra: Extra | undefined;

  /** @throws {GatewayError} `provider_error` for a choice or part whose number is no index */
  push(event: CanonicalChatEvent): void {
    switch (event.type) {
      case "replyStart":
        this.#start = event;
        this.#usage = event.usage ?? this.#usage;
        break;
      case "partStart":
        checkIndex(event.index, MAX_PARTS);
        this.#choice(event.choice).parts[event.index] = { ...event.part };
        break;
      case "partDelta": {
        const choice = this.#choice(event.choice);
        const part = choice.parts[event.index];
        if (part !== undefined) extend(part, event.delta);
        if (event.logprobs) addLogprobs(choice, event.logprobs);
        break;
      }
      case "partEnd":
        break;
      case "choiceEnd":
        this.#choice(event.choice).end = event;
        break;
      case "usageUpdate":
        this.#usage = event.usage;
        this.#serviceTier = event.serviceTier ?? this.#serviceTier;
        if (event.extra !== undefined) this.#extra = mergeExtra(this.#extra, event.extra);
        break;
    }
  }

  /** Whether every choice that began has ended. False means that the stream broke. */
  get complete(): boolean {
    return this.#choices.length > 0 && this.#choices.every((choice) => choice.end !== undefined);
  }

  get usage(): Usage {
    return this.#usage ?? NO_USAGE;
  }

  result(): ChatResult {
    const start = this.#start;
    const serviceTier = this.#serviceTier ?? start?.serviceTier;
    const extra = mergeExtra(start?.extra, this.#extra);
    return {
      id: start?.id ?? "",
      model: start?.model ?? "",
      createdAt: start?.createdAt ?? 0,
      choices: this.#choices.map(closeChoice),
      usage: this.usage,
      ...(serviceTier !== undefined && { serviceTier }),
      ...(extra !== undefined && { extra }),
    };
  }

  #choice(index: number): OpenChoice {
    let choice = this.#choices[index];
    if (choice === undefined) {
      checkIndex(index, MAX_CHOICES);
      // Fill gaps, so that choices that arrive out of order keep their places.
      for (let at = this.#choices.length; at <= index; at++) {
        this.#choices.push({ parts: [], end: undefined, content: undefined, refusal: undefined });
      }
      choice = this.#choices[index] as OpenChoice;
    }
    return choice;
  }
}

function checkIndex(index: number, limit: number): void {
  if (Number.isInteger(index) && index >= 0 && index < limit) return;
  throw new GatewayError("provider_error", `the provider numbered a part of its reply ${index}, which is no index`);
}

function closeChoice(choice: OpenChoice, index: number): Choice {
  const { end } = choice;
  const logprobs: Logprobs | undefined =
    choice.content === undefined && choice.refusal === undefined
      ? undefined
      : { ...(choice.content && { content: choice.content }), ...(choice.refusal && { refusal: choice.refusal }) };
  return {
    index,
    content: choice.parts.filter((part): part is Part => part !== undefined),
    finishReason: end?.finishReason ?? "error",
    ...(end?.nativeFinishReason !== undefined && { nativeFinishReason: end.nativeFinishReason }),
    ...(end?.stopSequence !== undefined && { stopSequence: end.stopSequence }),
    ...(logprobs !== undefined && { logprobs }),
    ...(end?.extra !== undefined && { extra: end.extra }),
  };
}

function addLogprobs(choice: OpenChoice, logprobs: Logprobs): void {
  if (logprobs.content) choice.content = [...(choice.content ?? []), ...logprobs.content];
  if (logprobs.refusal) choice.refusal = [...(choice.refusal ?? []), ...logprobs.refusal];
}

function extend(part: Mutable<Part>, delta: PartDelta): void {
  switch (delta.type) {
    case "text":
      if (part.type === "text") part.text += delta.text;
      break;
    case "refusal":
      if (part.type === "refusal") part.text += delta.text;
      break;
    case "reasoning":
      if (part.type === "reasoning") part.text += delta.text;
      break;
    case "signature":
      if (part.type === "reasoning") part.signature = (part.signature ?? "") + delta.signature;
      break;
    case "arguments":
      if (part.type === "toolCall") part.arguments += delta.text;
      break;
    case "citation":
      if (part.type === "text") part.citations = [...(part.citations ?? []), delta.citation] as readonly Citation[];
      break;
    case "audio":
      if (part.type === "audio") {
        const before = part.source.type === "data" ? part.source : { type: "data" as const, mediaType: "", data: "" };
        if (delta.data !== undefined) part.source = { ...before, data: before.data + delta.data };
        if (delta.transcript !== undefined) part.transcript = (part.transcript ?? "") + delta.transcript;
        if (delta.expiresAt !== undefined) part.expiresAt = delta.expiresAt;
      }
      break;
    case "opaque":
      part.extra = mergeExtra(part.extra, { [delta.origin]: delta.value }) as Extra;
      break;
  }
}

/** Both, namespace by namespace; the second wins. */
export function mergeExtra(one: Extra | undefined, other: Extra | undefined): Extra | undefined {
  if (one === undefined) return other;
  if (other === undefined) return one;
  const merged: Record<string, Readonly<Record<string, unknown>>> = { ...one };
  for (const [origin, fields] of Object.entries(other)) merged[origin] = { ...merged[origin], ...fields };
  return merged;
}
