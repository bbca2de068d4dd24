import type { CanonicalChatEvent, ChatResult, Part, PartDelta, PartStart, ReasoningPart } from "@signalbox/kernel";
import { resultEvents } from "@signalbox/kernel";
import type { JsonObject } from "@signalbox/kernel/http";
import { isJsonObject, sseEvent } from "@signalbox/kernel/http";
import { encodeCitation } from "./citations.ts";
import { encodeEnd, encodeResultUsage, messageId } from "./messages-encode.ts";
import { ANTHROPIC } from "./names.ts";
import type { Note } from "./reply-blocks.ts";
import { encodeReplyPart, isOwn } from "./reply-blocks.ts";
import { FREE_TEXT_PARAMETER } from "./reply-parts.ts";
import { sealReasoning } from "./sealed-reasoning.ts";

interface OpenBlock {
  readonly part: number;
  readonly type: "text" | "reasoning" | "toolCall";
  /** Reasoning of another vendor, collected: its signature is written when the block ends. */
  readonly foreign: ReasoningPart | undefined;
  signature: string;
  /** Free text of a custom tool, collected: it becomes one JSON string. */
  freeText: string | undefined;
  wrote: boolean;
}

type StartFacts = Pick<ChatResult, "id" | "model" | "extra" | "serviceTier"> & Partial<Pick<ChatResult, "usage">>;

/**
 * Writes canonical events as Anthropic's stream. There one block is open at a time, and block numbers have no gaps;
 * canonical parts may overlap. A text gives way to the next part and goes on in a block of its own; parts that begin
 * while a tool call is open wait for its end.
 */
export class MessagesStreamWriter {
  readonly #callId: string;
  readonly #note: Note;
  readonly #model: string;
  #started = false;
  #startMembers: ReadonlySet<string> = new Set();
  #blocks = 0;
  #open: OpenBlock | undefined;
  /** Parts as they were opened, for texts that go on later. */
  readonly #parts: Map<number, Part> = new Map();
  #waiting: CanonicalChatEvent[] = [];

  constructor(callId: string, model: string, note: Note) {
    this.#callId = callId;
    this.#model = model;
    this.#note = note;
  }

  /** The bytes for one event; empty when the client sees nothing of it yet. */
  event(event: CanonicalChatEvent): string {
    if (event.type === "replyStart") return this.#start(event);
    if (event.type === "choiceEnd" || event.type === "usageUpdate") return "";
    if (event.choice !== 0) {
      this.#note("only the first of several choices was sent");
      return "";
    }
    const begun = this.#started ? "" : this.#start(undefined);
    if (this.#open?.type === "toolCall" && event.index !== this.#open.part) {
      this.#waiting.push(event);
      return begun;
    }
    const written = this.#write(event);
    return begun + written + (this.#open === undefined && this.#waiting.length > 0 ? this.#release() : "");
  }

  /** The end of the stream. `whole`: there were no events, so the result is all there is. */
  end(result: ChatResult, whole: boolean): string {
    let text = "";
    if (whole) {
      text += this.#start(result);
      for (const event of resultEvents(result)) if (event.type !== "replyStart") text += this.event(event);
    } else if (!this.#started) text += this.#start(undefined);
    text += this.#close();
    while (this.#waiting.length > 0) text += this.#release() + this.#close();
    return text + this.#messageDelta(result) + frame({ type: "message_stop" });
  }

  #start(start: StartFacts | undefined): string {
    this.#started = true;
    const { usage: _, ...members } = start?.extra?.[ANTHROPIC] ?? {};
    this.#startMembers = new Set(Object.keys(members));
    const usage = encodeResultUsage({ ...start, usage: start?.usage ?? { inputTokens: 0, outputTokens: 0 } });
    return frame({
      type: "message_start",
      message: {
        id: messageId(start?.id ?? "", this.#callId),
        type: "message",
        role: "assistant",
        model: start?.model || this.#model,
        content: [],
        stop_reason: null,
        stop_sequence: null,
        usage,
        ...members,
      },
    });
  }

  #messageDelta(result: ChatResult): string {
    const { usage: _, container, ...members } = result.extra?.[ANTHROPIC] ?? {};
    const later = Object.entries(members).filter(([name]) => !this.#startMembers.has(name));
    return frame({
      type: "message_delta",
      delta: { ...encodeEnd(result.choices[0]), ...(container !== undefined && { container }) },
      usage: encodeResultUsage(result),
      ...Object.fromEntries(later),
    });
  }

  /** What has waited for the open block to end, as far as it can be written now. */
  #release(): string {
    const waiting = this.#waiting;
    this.#waiting = [];
    let text = "";
    for (const event of waiting) text += this.event(event);
    return text;
  }

  #write(event: Extract<CanonicalChatEvent, { readonly type: "partStart" | "partDelta" | "partEnd" }>): string {
    switch (event.type) {
      case "partStart":
        this.#parts.set(event.index, event.part);
        return this.#partStart(event);
      case "partDelta":
        return this.#partDelta(event.index, event.delta);
      case "partEnd":
        return this.#open?.part === event.index ? this.#close() : "";
    }
  }

  #partStart({ index, part }: PartStart): string {
    const { type } = part;
    if (type === "text" || type === "toolCall") {
      return this.#close() + this.#openBlock(index, part) + this.#openingContent(part);
    }
    if (type === "reasoning" && !(part.encrypted !== undefined && (isOwn(part) || part.text === ""))) {
      return this.#close() + this.#openBlock(index, part) + this.#openingContent(part);
    }
    const block = encodeReplyPart(part, this.#note);
    return block === undefined ? "" : this.#close() + this.#wholeBlock(block);
  }

  #openBlock(index: number, part: Part): string {
    this.#open = {
      part: index,
      type: part.type as OpenBlock["type"],
      foreign: part.type === "reasoning" && !isOwn(part) ? part : undefined,
      signature: "",
      freeText: part.type === "toolCall" && part.kind === "custom" ? "" : undefined,
      wrote: false,
    };
    return frame({ type: "content_block_start", index: this.#blocks, content_block: openingBlock(part) });
  }

  /** Content that came with the opening of a part. */
  #openingContent(part: Part): string {
    switch (part.type) {
      case "text": {
        let text = part.text === "" ? "" : this.#delta({ type: "text", text: part.text });
        for (const citation of part.citations ?? []) text += this.#delta({ type: "citation", citation });
        return text;
      }
      case "reasoning":
        return (
          (part.text === "" ? "" : this.#delta({ type: "reasoning", text: part.text })) +
          (part.signature === undefined ? "" : this.#delta({ type: "signature", signature: part.signature }))
        );
      case "toolCall":
        return part.arguments === "" ? "" : this.#delta({ type: "arguments", text: part.arguments });
      default:
        return "";
    }
  }

  #partDelta(index: number, delta: PartDelta): string {
    if (this.#open?.part === index) return this.#delta(delta);
    const part = this.#parts.get(index);
    // the part has given way to another one and goes on
    if (part?.type === "text" || (part?.type === "reasoning" && !isOwn(part))) {
      const blank = part.type === "text" ? { type: "text" as const, text: "" } : { ...part, text: "" };
      return this.#close() + this.#openBlock(index, blank) + this.#delta(delta);
    }
    if (part !== undefined && part.type !== "refusal")
      this.#note(`a late piece of a part of type ${part.type} was left out`);
    return "";
  }

  #delta(delta: PartDelta): string {
    const open = this.#open as OpenBlock;
    switch (delta.type) {
      case "text":
        return this.#blockDelta({ type: "text_delta", text: delta.text });
      case "reasoning":
        return this.#blockDelta({ type: "thinking_delta", thinking: delta.text });
      case "signature":
        if (open.foreign === undefined)
          return this.#blockDelta({ type: "signature_delta", signature: delta.signature });
        open.signature += delta.signature;
        return "";
      case "arguments":
        if (open.freeText === undefined)
          return this.#blockDelta({ type: "input_json_delta", partial_json: delta.text });
        open.freeText += delta.text;
        return "";
      case "citation": {
        const citation = encodeCitation(delta.citation);
        if (citation !== undefined) return this.#blockDelta({ type: "citations_delta", citation });
        this.#note("citations without an address were left out");
        return "";
      }
      default:
        if (delta.type !== "refusal") this.#note(`a piece of type ${delta.type} was left out`);
        return "";
    }
  }

  #blockDelta(delta: JsonObject): string {
    (this.#open as OpenBlock).wrote = true;
    return frame({ type: "content_block_delta", index: this.#blocks, delta });
  }

  #close(): string {
    const open = this.#open;
    if (open === undefined) return "";
    let text = "";
    if (open.foreign !== undefined) {
      const { foreign, signature } = open;
      const sealed = sealReasoning(signature === "" ? foreign : { ...foreign, signature });
      text += this.#blockDelta({ type: "signature_delta", signature: sealed });
    }
    if (open.freeText !== undefined) {
      const json = JSON.stringify({ [FREE_TEXT_PARAMETER]: open.freeText });
      text += this.#blockDelta({ type: "input_json_delta", partial_json: json });
    }
    // clients expect the input of a call without parameters as a delta too
    if (open.type === "toolCall" && !open.wrote)
      text += this.#blockDelta({ type: "input_json_delta", partial_json: "" });
    text += frame({ type: "content_block_stop", index: this.#blocks });
    this.#open = undefined;
    this.#blocks++;
    return text;
  }

  /** A block that arrives at once. The input of a tool that the provider runs is written as clients expect it. */
  #wholeBlock(block: JsonObject): string {
    const { input } = block;
    const index = this.#blocks++;
    const inputPiece = isJsonObject(input)
      ? frame({
          type: "content_block_delta",
          index,
          delta: { type: "input_json_delta", partial_json: JSON.stringify(input) },
        })
      : "";
    const opening = isJsonObject(input) ? { ...block, input: {} } : block;
    return (
      frame({ type: "content_block_start", index, content_block: opening }) +
      inputPiece +
      frame({ type: "content_block_stop", index })
    );
  }
}

function openingBlock(part: Part): JsonObject {
  const own = part.extra?.[ANTHROPIC];
  switch (part.type) {
    case "reasoning":
      return { type: "thinking", thinking: "", signature: "" };
    case "toolCall":
      return { type: "tool_use", id: part.id, name: part.name, input: {}, ...own };
    default:
      return { type: "text", text: "", ...own };
  }
}

function frame(event: JsonObject & { readonly type: string }): string {
  return sseEvent(event.type, JSON.stringify(event));
}
