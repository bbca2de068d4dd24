import type {
  CanonicalChatEvent,
  ChatResult,
  ChoiceEnd,
  Part,
  PartDeltaEvent,
  PartStart,
  Usage,
} from "@signalbox/kernel";
import { mergeExtra, resultEvents } from "@signalbox/kernel";
import { SSE_DONE, sseData } from "@signalbox/kernel/http";
import { needsBlock, thinkingBlock } from "./chat-blocks.ts";
import type { EncodeOptions } from "./chat-encode.ts";
import { endWord, imageWire, reasoningDetails, specificFields, topMembers } from "./chat-encode.ts";
import { annotationOf, memberOf, toolCallWire } from "./chat-parts.ts";
import { TextPlaces } from "./chat-text-places.ts";
import { WIRE } from "./json.ts";
import { writeUsage } from "./usage.ts";

type Wire = Record<string, unknown>;

interface OpenPart {
  part: Part;
  /** Place among the tool calls of its choice. */
  readonly call: number;
  /** Text and proof of reasoning, which are written together when it ends. */
  text: string;
  signature: string;
  /** Where a client finds the text of reasoning. */
  member: string;
}

interface OpenChoice {
  readonly parts: Map<number, OpenPart>;
  calls: number;
  readonly texts: TextPlaces;
}

/** How a stream of chat completion chunks is written. */
export interface StreamOptions extends EncodeOptions {
  /** The client asked for a last chunk with the usage. */
  readonly includeUsage: boolean;
}

/** Writes events as `chat.completion.chunk` frames. Stateful: one object per reply. */
export class ChunkEncoder {
  readonly #options: StreamOptions;
  readonly #choices: Map<number, OpenChoice> = new Map();
  #head = "";
  #tail = "";
  #members: Pick<ChatResult, "extra"> = {};
  #usage: Usage | undefined;

  constructor(options: StreamOptions) {
    this.#options = options;
    this.#begin("", "", 0);
  }

  event(event: CanonicalChatEvent): string | undefined {
    switch (event.type) {
      case "replyStart":
        if (event.extra !== undefined) this.#members = { extra: event.extra };
        this.#usage = event.usage ?? this.#usage;
        this.#begin(event.id, event.model, event.createdAt, {
          ...(event.serviceTier !== undefined && { service_tier: event.serviceTier }),
          ...topMembers(this.#members),
        });
        return undefined;
      case "partStart":
        return this.#partStart(event);
      case "partDelta":
        return this.#partDelta(event);
      case "partEnd": {
        const open = this.#choices.get(event.choice)?.parts.get(event.index);
        return open === undefined ? undefined : this.#partEnd(event.choice, event.index, open);
      }
      case "choiceEnd":
        return this.#choiceEnd(event);
      case "usageUpdate": {
        this.#usage = event.usage;
        const extra = mergeExtra(this.#members.extra, event.extra);
        if (extra !== undefined) this.#members = { extra };
        return undefined;
      }
    }
  }

  /** The usage chunk, if it was asked for, and the end. */
  end(result: Pick<ChatResult, "usage">): string {
    if (!this.#options.includeUsage) return SSE_DONE;
    const usage = writeUsage(this.#usage ?? result.usage, this.#members.extra?.[WIRE]?.["usage"]);
    const late = topMembers(this.#members);
    let members = "";
    for (const name in late) members += `,${JSON.stringify(name)}:${JSON.stringify(late[name])}`;
    return `${sseData(`${this.#head}"choices":[],"usage":${JSON.stringify(usage)}${members}}`)}${SSE_DONE}`;
  }

  /** A whole answer as a stream, for clients that asked for one and providers that gave none. */
  whole(result: ChatResult): string {
    let frames = "";
    for (const event of resultEvents(result)) frames += this.event(event) ?? "";
    return frames + this.end(result);
  }

  #begin(id: string, model: string, createdAt: number, members: Wire = {}): void {
    const head = { id: id === "" ? this.#options.id : id, object: "chat.completion.chunk", created: createdAt, model };
    this.#head = `${JSON.stringify(head).slice(0, -1)},`;
    // The same in every chunk, as OpenAI does it; what comes late goes into the last one.
    const rest = JSON.stringify(members).slice(1, -1);
    const usage = this.#options.includeUsage ? ',"usage":null' : "";
    this.#tail = `]${rest === "" ? "" : `,${rest}`}${usage}}`;
  }

  #chunk(choice: number, delta: Wire, rest = ',"logprobs":null,"finish_reason":null'): string {
    return this.#raw(choice, JSON.stringify(delta), rest);
  }

  #raw(choice: number, delta: string, rest: string): string {
    return sseData(`${this.#head}"choices":[{"index":${choice},"delta":${delta}${rest}}${this.#tail}`);
  }

  #choice(index: number, opening: Part | undefined): { readonly choice: OpenChoice; readonly first: string } {
    const known = this.#choices.get(index);
    if (known !== undefined) return { choice: known, first: "" };
    const choice: OpenChoice = { parts: new Map(), calls: 0, texts: new TextPlaces() };
    this.#choices.set(index, choice);
    const silent = opening?.type === "toolCall" || opening?.type === "refusal";
    return { choice, first: this.#chunk(index, { role: "assistant", content: silent ? null : "", refusal: null }) };
  }

  #partStart({ choice: at, index, part }: PartStart): string {
    const { choice, first } = this.#choice(at, part);
    const open: OpenPart = {
      part,
      call: part.type === "toolCall" ? choice.calls++ : -1,
      text: "",
      signature: "",
      member: "",
    };
    choice.parts.set(index, open);
    choice.texts.start(index, part);
    const delta = this.#opening(index, open);
    return delta === undefined ? first : first + this.#chunk(at, delta);
  }

  #opening(index: number, open: OpenPart): Wire | undefined {
    const { part } = open;
    switch (part.type) {
      case "text": {
        const annotations = (part.citations ?? []).map(annotationOf);
        if (part.text === "" && annotations.length === 0) return undefined;
        return { ...(part.text !== "" && { content: part.text }), ...(annotations.length > 0 && { annotations }) };
      }
      case "refusal":
        return part.text === "" ? undefined : { refusal: part.text };
      case "reasoning":
        open.text = part.text;
        open.signature = part.signature ?? "";
        open.member = memberOf(part);
        return part.text === "" ? undefined : { [open.member]: part.text };
      case "toolCall":
        return this.#opensCall(open, part);
      case "audio":
        return {
          audio: {
            ...(part.id !== undefined && { id: part.id }),
            ...(part.source.type === "data" && part.source.data !== "" && { data: part.source.data }),
            ...(part.transcript !== undefined && { transcript: part.transcript }),
            ...(part.expiresAt !== undefined && { expires_at: part.expiresAt }),
          },
        };
      case "image":
        return { images: [imageWire(part)] };
      case "serverTool":
      case "opaque":
      case "document":
      case "toolResult":
        return needsBlock(part) ? { provider_specific_fields: { blocks: [{ index, part }] } } : undefined;
    }
  }

  #opensCall(open: OpenPart, part: Part & { readonly type: "toolCall" }): Wire {
    const call = toolCallWire(part);
    return this.#options.legacyFunctions
      ? { function_call: call["function"] }
      : { tool_calls: [{ index: open.call, ...call }] };
  }

  #partDelta(event: PartDeltaEvent): string | undefined {
    const { choice: at, delta, logprobs } = event;
    const choice = this.#choices.get(at);
    const open = choice?.parts.get(event.index);
    const rest = logprobs ? `,"logprobs":${JSON.stringify(logprobs)},"finish_reason":null` : PLAIN_REST;
    switch (delta.type) {
      case "text":
        choice?.texts.grow(event.index, delta.text.length);
        return this.#raw(at, `{"content":${JSON.stringify(delta.text)}}`, rest);
      case "refusal":
        return this.#raw(at, `{"refusal":${JSON.stringify(delta.text)}}`, rest);
      case "reasoning":
        if (open !== undefined) open.text += delta.text;
        return this.#raw(at, `{"${open?.member ?? "reasoning_content"}":${JSON.stringify(delta.text)}}`, rest);
      case "signature":
        if (open !== undefined) open.signature += delta.signature;
        return undefined;
      case "arguments":
        return open === undefined ? undefined : this.#chunk(at, this.#argumentsDelta(open, delta.text), rest);
      case "citation":
        choice?.texts.cite(event.index, delta.citation);
        return this.#chunk(at, { annotations: [annotationOf(delta.citation)] }, rest);
      case "audio":
        return this.#chunk(at, {
          audio: {
            ...(delta.data !== undefined && { data: delta.data }),
            ...(delta.transcript !== undefined && { transcript: delta.transcript }),
            ...(delta.expiresAt !== undefined && { expires_at: delta.expiresAt }),
          },
        });
      case "opaque":
        // Members of this wire format; those of other vendors mean nothing to its clients.
        return delta.origin === WIRE ? this.#chunk(at, { ...delta.value }, rest) : undefined;
    }
  }

  #argumentsDelta(open: OpenPart, text: string): Wire {
    if (this.#options.legacyFunctions) return { function_call: { arguments: text } };
    const custom = open.part.type === "toolCall" && open.part.kind === "custom";
    return {
      tool_calls: [{ index: open.call, ...(custom ? { custom: { input: text } } : { function: { arguments: text } }) }],
    };
  }

  /** What can only be written when reasoning is whole: its proof. */
  #partEnd(at: number, index: number, open: OpenPart): string | undefined {
    if (open.part.type !== "reasoning") return undefined;
    const part = {
      ...open.part,
      text: open.text,
      ...(open.signature !== "" && { signature: open.signature }),
    };
    const delta: Wire = {};
    const block = thinkingBlock(part);
    if (block !== undefined) delta["thinking_blocks"] = [block];
    const details = reasoningDetails(part);
    if (details.length > 0) delta["reasoning_details"] = details;
    if (needsBlock(part)) delta["provider_specific_fields"] = { blocks: [{ index, part }] };
    return Object.keys(delta).length === 0 ? undefined : this.#chunk(at, delta);
  }

  #choiceEnd(event: ChoiceEnd): string {
    const { first, choice } = this.#choice(event.choice, undefined);
    const { message, ...others } = event.extra?.[WIRE] ?? {};
    const blocks = choice.texts.end();
    const specific = specificFields(event);
    const end: Wire = {
      logprobs: null,
      finish_reason: endWord(event, this.#options),
      ...(specific !== undefined && { provider_specific_fields: specific }),
      ...others,
    };
    const delta = {
      ...(message as Wire | undefined),
      ...(blocks.length > 0 && { provider_specific_fields: { blocks } }),
    };
    return first + this.#chunk(event.choice, delta, `,${JSON.stringify(end).slice(1, -1)}`);
  }
}

const PLAIN_REST = ',"logprobs":null,"finish_reason":null';
