import type { CanonicalChatEvent, Logprobs, Part, PartDelta } from "@signalbox/kernel";
import type { JsonObject } from "@signalbox/kernel/http";
import { isJsonObject } from "@signalbox/kernel/http";
import { readBlocks, readThinking } from "./chat-blocks.ts";
import {
  argumentsText,
  citationsOf,
  detailsText,
  memberExtra,
  mergeDetails,
  reasoningMember,
  sourceOf,
  toolCallExtra,
} from "./chat-parts.ts";
import type { ReplyContext } from "./chat-result.ts";
import { audioType, CHOICE_MEMBERS, endOf, MESSAGE_MEMBERS } from "./chat-result.ts";
import { unreadable } from "./errors.ts";
import { listOf, numberIn, objectOf, otherMembers, textIn, tryParse, WIRE } from "./json.ts";

interface OpenCall {
  readonly part: number;
  readonly key: number | string;
  readonly id: string;
  readonly custom: boolean;
  arguments: string;
  /** How much of the arguments was found not to be whole JSON. */
  parsed: number;
  closed: boolean;
}

/** All calls are looked at whenever another one begins; no model makes nearly so many in one reply. */
const MAX_CALLS = 1024;

type Prose = "text" | "refusal" | "reasoning";

/** The state of one choice while its chunks arrive: which parts are open. */
export class ChoiceDecoder {
  readonly #index: number;
  readonly #context: ReplyContext;
  readonly #calls: OpenCall[] = [];
  /** Text, refusal and reasoning follow one another: at most one of them is open. */
  #prose: { readonly kind: Prose; readonly part: number } | undefined;
  #audio: number | undefined;
  #details: Record<string, unknown>[] = [];
  #member: string | undefined;
  #parts = 0;
  #hasCalls = false;
  #ended = false;
  #choiceOthers: Record<string, unknown> | undefined;
  #messageOthers: Record<string, unknown> | undefined;
  #logprobs: Logprobs | undefined;
  #events: CanonicalChatEvent[] = [];

  constructor(index: number, context: ReplyContext) {
    this.#index = index;
    this.#context = context;
  }

  push(choice: JsonObject, events: CanonicalChatEvent[]): void {
    this.#events = events;
    const delta = objectOf(choice["delta"]) ?? objectOf(choice["message"]);
    const logprobs = objectOf(choice["logprobs"]);
    const logged =
      logprobs !== undefined && (listOf(logprobs["content"]).length > 0 || listOf(logprobs["refusal"]).length > 0);
    this.#logprobs = logged ? (logprobs as Logprobs) : undefined;
    if (delta !== undefined) this.#delta(delta);
    if (this.#logprobs !== undefined) this.#say("text", "");
    this.#choiceOthers = merged(this.#choiceOthers, otherMembers(choice, CHOICE_MEMBERS));
    const word = choice["finish_reason"];
    if (typeof word === "string" && !this.#ended) this.#end(word, choice);
  }

  /** Ends a choice for which the host gave no finish reason. */
  finish(events: CanonicalChatEvent[]): void {
    this.#events = events;
    if (!this.#ended) this.#end("", {});
  }

  #delta(delta: JsonObject): void {
    const { content } = delta;
    this.#reasoning(delta);
    if (Array.isArray(content)) this.#list(content);
    else if (typeof content === "string" && content !== "") this.#say("text", content);
    const refusal = textIn(delta["refusal"]);
    if (refusal !== undefined) this.#say("refusal", refusal);
    for (const citation of citationsOf(delta["annotations"]))
      this.#add(this.#open("text"), { type: "citation", citation });
    this.#sound(objectOf(delta["audio"]));
    for (const image of listOf(delta["images"])) {
      const url = textIn(objectOf(objectOf(image)?.["image_url"])?.["url"]);
      if (url !== undefined) this.#whole({ type: "image", source: sourceOf(url) });
    }
    for (const [at, call] of listOf(delta["tool_calls"]).entries()) if (isJsonObject(call)) this.#call(call, at);
    const legacy = objectOf(delta["function_call"]);
    if (legacy !== undefined) this.#legacyCall(legacy);
    for (const { part } of readBlocks(delta)) this.#whole(part);
    this.#messageOthers = merged(this.#messageOthers, otherMembers(delta, MESSAGE_MEMBERS));
  }

  #reasoning(delta: JsonObject): void {
    const details = listOf(delta["reasoning_details"]);
    const member = reasoningMember(delta);
    const text = member === undefined ? detailsText(details) : (delta[member] as string);
    if (member !== undefined) this.#member = member;
    if (text !== "") this.#say("reasoning", text);
    else if (details.length > 0) this.#open("reasoning");
    mergeDetails(this.#details, details);
    for (const part of readThinking(delta)) {
      if (part.signature !== undefined && this.#prose?.kind === "reasoning") {
        this.#add(this.#prose.part, { type: "signature", signature: part.signature });
        this.#closeProse();
      } else {
        this.#whole(part);
      }
    }
  }

  #list(content: readonly unknown[]): void {
    for (const value of content) {
      const entry = objectOf(value);
      if (entry === undefined) continue;
      if (entry["type"] === "text") this.#say("text", textIn(entry["text"]) ?? "");
      else if (entry["type"] !== "thinking")
        this.#whole({ type: "opaque", origin: this.#context.origin ?? WIRE, value: entry });
      else this.#say("reasoning", textIn(entry["thinking"]) ?? detailsText(listOf(entry["thinking"])));
    }
  }

  #sound(audio: JsonObject | undefined): void {
    if (audio === undefined) return;
    const data = textIn(audio["data"]);
    const transcript = textIn(audio["transcript"]);
    const expiresAt = numberIn(audio["expires_at"]);
    const id = textIn(audio["id"]);
    if (this.#audio === undefined) {
      if (data === undefined && transcript === undefined && id === undefined) return;
      this.#closeProse();
      const format = this.#context.audioFormat;
      this.#audio = this.#begin({
        type: "audio",
        source: { type: "data", mediaType: audioType(format), data: "" },
        ...(format !== undefined && { format }),
        ...(id !== undefined && { id }),
      });
    }
    if (data === undefined && transcript === undefined && expiresAt === undefined) return;
    this.#add(this.#audio, {
      type: "audio",
      ...(data !== undefined && { data }),
      ...(transcript !== undefined && { transcript }),
      ...(expiresAt !== undefined && { expiresAt }),
    });
  }

  #call(wire: JsonObject, at: number): void {
    const id = textIn(wire["id"]);
    const custom = objectOf(wire["custom"]);
    const target = custom ?? objectOf(wire["function"]) ?? {};
    const name = textIn(target["name"]);
    const key = numberIn(wire["index"]) ?? id ?? at;
    let call = this.#calls.findLast((open) => open.key === key);
    // A new id with a name under a used index is another call: some hosts give every call the index 0.
    if (call === undefined || (id !== undefined && name !== undefined && id !== call.id)) {
      if (call === undefined && name === undefined && id === undefined) return;
      call = this.#openCall(key, id ?? "", name ?? "", custom !== undefined || wire["type"] === "custom", wire);
    }
    this.#argue(call, argumentsText(custom === undefined ? target["arguments"] : target["input"]));
  }

  #openCall(key: number | string, id: string, name: string, custom: boolean, wire: JsonObject): OpenCall {
    const extra = toolCallExtra(wire);
    return this.#beginCall(
      { key, id, custom },
      {
        type: "toolCall",
        id,
        name,
        arguments: "",
        ...(custom && { kind: "custom" as const }),
        ...(extra !== undefined && { extra }),
      },
    );
  }

  #legacyCall(wire: JsonObject): void {
    const name = textIn(wire["name"]);
    let call = this.#calls.find(({ key }) => key === LEGACY);
    if (call === undefined) {
      if (name === undefined) return;
      call = this.#beginCall(
        { key: LEGACY, id: "", custom: false },
        {
          type: "toolCall",
          id: "",
          name,
          arguments: "",
          extra: { [WIRE]: { function_call: true } },
        },
      );
    }
    this.#argue(call, argumentsText(wire["arguments"]));
  }

  #beginCall(call: Pick<OpenCall, "key" | "id" | "custom">, part: Part): OpenCall {
    if (this.#calls.length >= MAX_CALLS)
      throw unreadable(this.#context.profile, `answered with more than ${MAX_CALLS} tool calls`);
    this.#closeProse();
    this.#closeFinishedCalls();
    this.#hasCalls = true;
    const opened: OpenCall = { ...call, part: this.#begin(part), arguments: "", parsed: 0, closed: false };
    this.#calls.push(opened);
    return opened;
  }

  #argue(call: OpenCall, text: string): void {
    if (text === "") return;
    call.arguments += text;
    this.#add(call.part, { type: "arguments", text });
  }

  /** Calls whose arguments are whole JSON are over when another part begins; the others may still go on. */
  #closeFinishedCalls(): void {
    for (const call of this.#calls) {
      // parsed again only when there is more of it
      if (call.closed || call.custom || call.arguments.length === call.parsed) continue;
      call.parsed = call.arguments.length;
      if (tryParse(call.arguments) !== undefined) this.#closeCall(call);
    }
  }

  #closeCall(call: OpenCall): void {
    if (call.closed) return;
    call.closed = true;
    this.#events.push({ type: "partEnd", choice: this.#index, index: call.part });
  }

  /** The open part of a kind; opens it, and closes another kind, when it must. */
  #open(kind: Prose): number {
    if (this.#prose?.kind === kind) return this.#prose.part;
    this.#closeProse();
    const part = this.#begin(kind === "reasoning" ? this.#emptyReasoning() : { type: kind, text: "" });
    this.#prose = { kind, part };
    return part;
  }

  #emptyReasoning(): Part {
    const { origin } = this.#context;
    return {
      type: "reasoning",
      text: "",
      ...(origin !== undefined && { origin }),
      ...memberExtra(this.#member),
    };
  }

  #say(kind: Prose, text: string): void {
    this.#add(this.#open(kind), { type: kind, text });
  }

  #whole(part: Part): void {
    this.#closeProse();
    const index = this.#begin(part);
    this.#events.push({ type: "partEnd", choice: this.#index, index });
  }

  #begin(part: Part): number {
    const index = this.#parts++;
    this.#events.push({ type: "partStart", choice: this.#index, index, part });
    return index;
  }

  #add(index: number, delta: PartDelta): void {
    const logprobs = this.#logprobs;
    this.#logprobs = undefined;
    this.#events.push({ type: "partDelta", choice: this.#index, index, delta, ...(logprobs && { logprobs }) });
  }

  #closeProse(): void {
    if (this.#prose === undefined) return;
    const { kind, part } = this.#prose;
    this.#prose = undefined;
    if (kind === "reasoning" && this.#details.length > 0) {
      this.#add(part, { type: "opaque", origin: WIRE, value: { reasoning_details: this.#details } });
      this.#details = [];
    }
    this.#events.push({ type: "partEnd", choice: this.#index, index: part });
  }

  #end(word: string, choice: JsonObject): void {
    this.#closeProse();
    if (this.#audio !== undefined) this.#events.push({ type: "partEnd", choice: this.#index, index: this.#audio });
    for (const call of this.#calls) this.#closeCall(call);
    this.#audio = undefined;
    this.#ended = true;
    const message = this.#messageOthers;
    const extra =
      this.#choiceOthers === undefined && message === undefined
        ? undefined
        : { [WIRE]: { ...this.#choiceOthers, ...(message !== undefined && { message }) } };
    this.#events.push({
      type: "choiceEnd",
      choice: this.#index,
      ...endOf(word, choice, this.#context.profile, this.#hasCalls),
      ...(extra !== undefined && { extra }),
    });
  }
}

const LEGACY = "function_call";

/** Later values win; lists grow. */
function merged(
  before: Record<string, unknown> | undefined,
  fresh: Record<string, unknown> | undefined,
): Record<string, unknown> | undefined {
  if (fresh === undefined) return before;
  const all = { ...before };
  for (const name in fresh) {
    const value = fresh[name];
    const old = all[name];
    all[name] = Array.isArray(old) && Array.isArray(value) ? [...old, ...value] : value;
  }
  return all;
}
