import type { CanonicalChatEvent, Part } from "@signalbox/kernel";
import { GatewayError } from "@signalbox/kernel";
import type { JsonObject, SseEvent } from "@signalbox/kernel/http";
import { isJsonObject } from "@signalbox/kernel/http";
import { choiceEndFrom, messageExtra, usageOf } from "./chat-result.ts";
import { citationFrom } from "./citations.ts";
import { streamError } from "./errors.ts";
import { numberOf, stringOf } from "./json-object.ts";
import { ANTHROPIC } from "./names.ts";
import type { StandInTools } from "./reply-parts.ts";
import { NO_STAND_INS, partFrom, toolCallFrom } from "./reply-parts.ts";
import { mergeUsage, serviceTierFrom, usageExtra, usageFrom } from "./usage.ts";

interface OpenBlock {
  /** As it was opened; for `whole` blocks with what the deltas added. */
  readonly block: Record<string, unknown>;
  /** Reported as a whole when it ends: its deltas mean nothing to other dialects. */
  readonly whole: boolean;
  /** Pieces of JSON of a tool's input. */
  input: string;
}

const NO_EVENTS: readonly CanonicalChatEvent[] = [];

/** More blocks than any message has. */
const MAX_BLOCKS = 10_000;

/** @throws {GatewayError} `provider_error` for what is no index: lists of parts are as long as the highest one */
function blockIndex(data: JsonObject): number {
  const index = numberOf(data.index) ?? 0;
  if (Number.isInteger(index) && index >= 0 && index < MAX_BLOCKS) return index;
  throw new GatewayError("provider_error", "the upstream numbered a block with something that is no index", {
    source: ANTHROPIC,
  });
}

/** Turns the events of Anthropic's stream into canonical ones. One object per reply. */
export class AnthropicChatEvents {
  readonly #standIns: StandInTools;
  readonly #createdAt: number;
  readonly #open: Map<number, OpenBlock> = new Map();
  readonly #parts: Part[] = [];
  #usage: JsonObject | undefined;
  #started = false;
  #finished = false;

  constructor(createdAt: number, standIns: StandInTools = NO_STAND_INS) {
    this.#createdAt = createdAt;
    this.#standIns = standIns;
  }

  /** `message_stop` has come. False at the end of the bytes: the stream was cut. */
  get finished(): boolean {
    return this.#finished;
  }

  /** @throws {GatewayError} for an `error` event, and `provider_error` for one that is not JSON */
  push(event: SseEvent): readonly CanonicalChatEvent[] {
    const data = parseEvent(event);
    switch (data.type) {
      case "message_start":
        return this.#start(data);
      case "content_block_start":
        return this.#blockStart(data);
      case "content_block_delta":
        return this.#blockDelta(data);
      case "content_block_stop":
        return this.#blockStop(data);
      case "message_delta":
        return this.#messageDelta(data);
      case "message_stop":
        this.#finished = true;
        return NO_EVENTS;
      case "error":
        throw streamError(data);
      default:
        // ping, and kinds of events that are newer than this code: the API asks clients to skip them
        return NO_EVENTS;
    }
  }

  #start(data: JsonObject): readonly CanonicalChatEvent[] {
    const message = isJsonObject(data.message) ? data.message : {};
    const usage = usageOf(message);
    this.#usage = usage;
    this.#started = true;
    const serviceTier = serviceTierFrom(usage);
    const extra = messageExtra(message, usage);
    return [
      {
        type: "replyStart",
        id: stringOf(message.id) ?? "",
        model: stringOf(message.model) ?? "",
        createdAt: this.#createdAt,
        usage: usageFrom(usage),
        ...(serviceTier !== undefined && { serviceTier }),
        ...(extra !== undefined && { extra }),
      },
    ];
  }

  #blockStart(data: JsonObject): readonly CanonicalChatEvent[] {
    const index = blockIndex(data);
    const block = isJsonObject(data.content_block) ? { ...data.content_block } : {};
    const type = block.type;
    const freeText = type === "tool_use" && this.#standIns.freeText?.has(stringOf(block.name) ?? "") === true;
    const whole = freeText || (type !== "text" && type !== "thinking" && type !== "tool_use");
    this.#open.set(index, { block, whole, input: "" });
    if (whole) return NO_EVENTS;
    const opened = type === "tool_use" ? toolCallFrom(block, "", this.#standIns) : partFrom(block, this.#standIns);
    const { part, deltas } = emptied(opened);
    this.#parts[index] = part;
    const events: CanonicalChatEvent[] = [{ type: "partStart", choice: 0, index, part }];
    for (const delta of deltas) events.push({ type: "partDelta", choice: 0, index, delta });
    return events;
  }

  #blockDelta(data: JsonObject): readonly CanonicalChatEvent[] {
    const index = blockIndex(data);
    const open = this.#open.get(index);
    const delta = data.delta;
    if (open === undefined || !isJsonObject(delta)) return NO_EVENTS;
    if (delta.type === "input_json_delta") {
      const text = stringOf(delta.partial_json) ?? "";
      open.input += text;
      if (open.whole || text === "") return NO_EVENTS;
      const answer = open.block.name === this.#standIns.answer;
      return [{ type: "partDelta", choice: 0, index, delta: { type: answer ? "text" : "arguments", text } }];
    }
    if (open.whole) {
      addMembers(open.block, delta);
      return NO_EVENTS;
    }
    switch (delta.type) {
      case "text_delta":
        return [{ type: "partDelta", choice: 0, index, delta: { type: "text", text: stringOf(delta.text) ?? "" } }];
      case "thinking_delta":
        return [
          { type: "partDelta", choice: 0, index, delta: { type: "reasoning", text: stringOf(delta.thinking) ?? "" } },
        ];
      case "signature_delta":
        return [
          {
            type: "partDelta",
            choice: 0,
            index,
            delta: { type: "signature", signature: stringOf(delta.signature) ?? "" },
          },
        ];
      case "citations_delta":
        if (!isJsonObject(delta.citation)) return NO_EVENTS;
        return [
          { type: "partDelta", choice: 0, index, delta: { type: "citation", citation: citationFrom(delta.citation) } },
        ];
      default: {
        const { type: _, ...members } = delta;
        return [{ type: "partDelta", choice: 0, index, delta: { type: "opaque", origin: ANTHROPIC, value: members } }];
      }
    }
  }

  #blockStop(data: JsonObject): readonly CanonicalChatEvent[] {
    const index = blockIndex(data);
    const open = this.#open.get(index);
    if (open === undefined) return NO_EVENTS;
    this.#open.delete(index);
    if (!open.whole) return this.#endOpenPart(index, open);
    if (open.input !== "") open.block.input = parseInput(open.input);
    const part = partFrom(open.block, this.#standIns);
    this.#parts[index] = part;
    return [
      { type: "partStart", choice: 0, index, part },
      { type: "partEnd", choice: 0, index },
    ];
  }

  #endOpenPart(index: number, open: OpenBlock): readonly CanonicalChatEvent[] {
    const events: CanonicalChatEvent[] = [];
    if (open.block.type === "tool_use" && open.input === "") {
      // a call without parameters has no deltas; some proxies send the whole input with the start
      const text = JSON.stringify(open.block.input ?? {});
      const answer = open.block.name === this.#standIns.answer;
      events.push({ type: "partDelta", choice: 0, index, delta: { type: answer ? "text" : "arguments", text } });
    }
    events.push({ type: "partEnd", choice: 0, index });
    return events;
  }

  #messageDelta(data: JsonObject): readonly CanonicalChatEvent[] {
    const events: CanonicalChatEvent[] = [];
    const delta = isJsonObject(data.delta) ? data.delta : {};
    const { stop_reason: stopReason, stop_sequence: _sequence, stop_details: _details, ...members } = delta;
    if (typeof stopReason === "string") {
      const { refusal, ...end } = choiceEndFrom(delta, this.#parts, this.#standIns);
      if (refusal !== undefined) {
        const index = this.#parts.length;
        events.push(
          { type: "partStart", choice: 0, index, part: { type: "refusal", text: "" } },
          { type: "partDelta", choice: 0, index, delta: { type: "refusal", text: refusal } },
          { type: "partEnd", choice: 0, index },
        );
      }
      events.push({ type: "choiceEnd", choice: 0, ...(end as { finishReason: "stop" }) });
    }
    const usage = mergeUsage(this.#usage, isJsonObject(data.usage) ? data.usage : {});
    this.#usage = usage;
    const serviceTier = serviceTierFrom(usage);
    const { type: _type, delta: _delta, usage: _usage, ...topLevel } = data;
    const extra = { ...members, ...topLevel, ...(usageExtra(usage) !== undefined && { usage: usageExtra(usage) }) };
    events.push({
      type: "usageUpdate",
      usage: usageFrom(usage),
      ...(serviceTier !== undefined && { serviceTier }),
      ...(Object.keys(extra).length > 0 && { extra: { [ANTHROPIC]: extra } }),
    });
    return events;
  }

  /** @throws {GatewayError} `provider_error` when the stream ended before the message did */
  end(): void {
    if (this.#finished) return;
    const what = this.#started ? "before its end" : "before it began";
    throw new GatewayError("provider_error", `the upstream's stream ended ${what}`, { source: ANTHROPIC });
  }
}

function parseEvent(event: SseEvent): JsonObject {
  let data: unknown;
  try {
    data = JSON.parse(event.data);
  } catch (cause) {
    throw new GatewayError("provider_error", "the upstream sent an event that is not JSON", {
      source: ANTHROPIC,
      cause,
    });
  }
  return isJsonObject(data) ? data : {};
}

/** The part with empty text, and the deltas for what it already had. */
function emptied(opened: Part): { readonly part: Part; readonly deltas: readonly PartDeltaOf[] } {
  if (opened.type === "text") {
    const { citations, ...part } = opened;
    const deltas: PartDeltaOf[] = opened.text === "" ? [] : [{ type: "text", text: opened.text }];
    for (const citation of citations ?? []) deltas.push({ type: "citation", citation });
    return { part: { ...part, text: "" }, deltas };
  }
  if (opened.type === "reasoning") {
    const { signature, ...part } = opened;
    const deltas: PartDeltaOf[] = opened.text === "" ? [] : [{ type: "reasoning", text: opened.text }];
    if (signature !== undefined) deltas.push({ type: "signature", signature });
    return { part: { ...part, text: "" }, deltas };
  }
  return { part: opened, deltas: [] };
}

type PartDeltaOf = Extract<CanonicalChatEvent, { readonly type: "partDelta" }>["delta"];

/** Deltas of blocks that nobody knows: texts grow, everything else is replaced. */
function addMembers(block: Record<string, unknown>, delta: JsonObject): void {
  for (const name in delta) {
    if (name === "type") continue;
    const before = block[name];
    const added = delta[name];
    block[name] = typeof before === "string" && typeof added === "string" ? before + added : added;
  }
}

function parseInput(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // an answer that was cut by its token limit ends within the JSON: keep what is there
    return text;
  }
}
