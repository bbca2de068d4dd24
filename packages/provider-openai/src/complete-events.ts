import type { CompleteChoice, CompleteEvent, CompleteResult, FrameDecoder, Usage } from "@signalbox/kernel";
import { NO_USAGE } from "@signalbox/kernel";
import type { JsonObject } from "@signalbox/kernel/http";
import { isJsonObject, SseDecoder } from "@signalbox/kernel/http";
import { finishReasonOf } from "./chat-parts.ts";
import { createdOf, topExtra, usageOf } from "./chat-result.ts";
import { choiceIndex, chunkOf, DONE_DATA } from "./chunks.ts";
import { listOf, numberIn, objectOf, textIn } from "./json.ts";
import type { WireProfile } from "./profile.ts";

type CanonicalCompleteEvent = Exclude<CompleteEvent, { readonly type: "frame" }>;
type Draft = { -readonly [Key in keyof CompleteChoice]: CompleteChoice[Key] };

/** A whole `text_completion` in the canonical form. */
export function completeResult(wire: JsonObject, profile: WireProfile): CompleteResult {
  const extra = topExtra(wire);
  return {
    id: textIn(wire["id"]) ?? "",
    model: textIn(wire["model"]) ?? "",
    createdAt: createdOf(wire["created"]),
    choices: completeChoices(wire, profile),
    usage: usageOf(wire, profile),
    ...(extra !== undefined && { extra }),
  };
}

function completeChoices(wire: JsonObject, profile: WireProfile): readonly CompleteChoice[] {
  return listOf(wire["choices"])
    .filter(isJsonObject)
    .map((choice, at) => ({
      index: numberIn(choice["index"]) ?? at,
      text: textIn(choice["text"]) ?? "",
      finishReason: finishReasonOf(textIn(choice["finish_reason"]) ?? "", profile, false),
      ...(choice["logprobs"] != null && { logprobs: choice["logprobs"] }),
    }));
}

/** Decodes a stream of text completion chunks. Also the decoder of forwarded frames. */
export class CompletionDecoder implements FrameDecoder<CanonicalCompleteEvent, CompleteResult> {
  readonly #profile: WireProfile;
  readonly #sse: SseDecoder = new SseDecoder();
  readonly #choices: Draft[] = [];
  readonly #ended: Set<number> = new Set();
  #started = false;
  #id = "";
  #model = "";
  #createdAt = 0;
  #usage: Usage = NO_USAGE;

  constructor(profile: WireProfile) {
    this.#profile = profile;
  }

  /** Whether every choice that began has ended. */
  get complete(): boolean {
    return this.#ended.size > 0 && this.#ended.size === this.#choices.length;
  }

  /** Counts from a chunk that was kept from the client. */
  set usage(usage: Usage) {
    this.#usage = usage;
  }

  push(bytes: Buffer): readonly CanonicalCompleteEvent[] {
    return [...this.#decode(this.#sse.push(bytes))];
  }

  /** The same, chunk by chunk: what came before a failure is told. Undefined: the stream is over. */
  events(bytes: Buffer | undefined): Generator<CanonicalCompleteEvent, void> {
    return this.#decode(bytes === undefined ? this.#sse.end() : this.#sse.push(bytes));
  }

  end(): CompleteResult {
    return {
      id: this.#id,
      model: this.#model,
      createdAt: this.#createdAt,
      choices: this.#choices,
      usage: this.#usage,
    };
  }

  *#decode(frames: readonly { readonly data: string }[]): Generator<CanonicalCompleteEvent, void> {
    for (const { data } of frames) {
      const events: CanonicalCompleteEvent[] = [];
      const chunk = chunkOf(data, this.#profile);
      if (chunk !== undefined) this.#chunk(chunk, events);
      else if (data === DONE_DATA) this.#finish(events);
      yield* events;
    }
  }

  #chunk(chunk: JsonObject, events: CanonicalCompleteEvent[]): void {
    if (!this.#started) {
      this.#started = true;
      this.#id = textIn(chunk["id"]) ?? "";
      this.#model = textIn(chunk["model"]) ?? "";
      this.#createdAt = createdOf(chunk["created"]);
      events.push({ type: "replyStart", id: this.#id, model: this.#model, createdAt: this.#createdAt });
    }
    for (const value of listOf(chunk["choices"])) {
      const choice = objectOf(value);
      if (choice !== undefined) this.#choice(choice, events);
    }
    if (isJsonObject(chunk["usage"])) this.#usage = usageOf(chunk, this.#profile);
  }

  /** The host says that the reply is over: choices without a finish reason end here. */
  #finish(events: CanonicalCompleteEvent[]): void {
    for (const choice of this.#choices) {
      if (this.#ended.has(choice.index)) continue;
      this.#ended.add(choice.index);
      choice.finishReason = "stop";
      events.push({ type: "choiceEnd", choice: choice.index, finishReason: "stop" });
    }
  }

  #choice(wire: JsonObject, events: CanonicalCompleteEvent[]): void {
    const index = choiceIndex(wire, this.#profile);
    while (this.#choices.length <= index) {
      this.#choices.push({ index: this.#choices.length, text: "", finishReason: "error" });
    }
    const choice = this.#choices[index] as Draft;
    const text = textIn(wire["text"]) ?? "";
    const { logprobs } = wire;
    choice.text += text;
    if (logprobs != null) choice.logprobs = joinLogprobs(choice.logprobs, logprobs);
    if (text !== "" || logprobs != null) {
      events.push({ type: "textDelta", choice: index, text, ...(logprobs != null && { logprobs }) });
    }
    const word = textIn(wire["finish_reason"]);
    if (word === undefined || this.#ended.has(index)) return;
    this.#ended.add(index);
    choice.finishReason = finishReasonOf(word, this.#profile, false);
    events.push({ type: "choiceEnd", choice: index, finishReason: choice.finishReason });
  }
}

/** Lists of tokens, offsets and probabilities grow with every chunk. */
function joinLogprobs(before: unknown, fresh: unknown): unknown {
  if (!isJsonObject(before) || !isJsonObject(fresh)) return fresh;
  const joined: Record<string, unknown> = { ...before };
  for (const name in fresh) {
    const old = joined[name];
    const value = fresh[name];
    joined[name] = Array.isArray(old) && Array.isArray(value) ? [...old, ...value] : value;
  }
  return joined;
}
