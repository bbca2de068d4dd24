import type { Exchange, SentRequest } from "@signalbox/kernel/testkit";
import { chatReply } from "../e2e/scripted-gateway.ts";

// A Messages API that keeps beginnings of prompts as the real one does, and refuses breakpoints that the real one refuses.
// A text counts a token for four characters, everything else nothing.

// biome-ignore lint/suspicious/noExplicitAny: JSON of many shapes, read by a test
type Json = any;

const MOST_BREAKPOINTS = 4;
const LOOK_BACK = 20;
const MIN_TOKENS = 1_024;

interface Block {
  readonly text: string;
  readonly tokens: number;
  readonly control: Json;
}

export interface CachingUpstream {
  /** Sent by each request, in order: where its breakpoints stood. */
  readonly breakpoints: string[][];
  readonly reply: (request: SentRequest) => Exchange;
}

/** Each has a cache of its own. */
export function cachingUpstream(): CachingUpstream {
  const kept = new Set<string>();
  const breakpoints: string[][] = [];
  return {
    breakpoints,
    reply({ body }) {
      const request: Json = JSON.parse(body);
      const places = markedPlaces(request);
      breakpoints.push(places.map(({ at }) => at));
      const refusal = refusalOf(places);
      if (refusal !== undefined) {
        return { status: 400, body: { type: "error", error: { type: "invalid_request_error", message: refusal } } };
      }
      const usage = usageOf(blocksOf(request), kept);
      if (request.stream !== true) return { body: chatReply("anthropic", "a".repeat(40), { usage }) };
      return { bodyText: streamed(usage), delivery: "lines" };
    },
  };
}

interface Place {
  readonly at: string;
  readonly block: Json;
}

function markedPlaces({ tools = [], system = [], messages }: Json): readonly Place[] {
  const places: Place[] = [];
  const look = (block: Json, at: string): void => {
    if (block.cache_control !== undefined && block.cache_control !== null) places.push({ at, block });
  };
  tools.forEach((tool: Json, index: number) => {
    look(tool, `tools.${index}`);
  });
  if (Array.isArray(system)) {
    for (const [index, block] of system.entries()) look(block, `system.${index}`);
  }
  for (const [index, { content }] of messages.entries()) {
    if (!Array.isArray(content)) continue;
    for (const [at, block] of content.entries()) look(block, `messages.${index}.${at}`);
  }
  return places;
}

function refusalOf(places: readonly Place[]): string | undefined {
  if (places.length > MOST_BREAKPOINTS) {
    return `A maximum of ${MOST_BREAKPOINTS} blocks with cache_control may be provided. Found ${places.length}.`;
  }
  let short = false;
  for (const { at, block } of places) {
    const { type, ttl } = block.cache_control;
    if (type !== "ephemeral") return `${at}.cache_control.type: must be "ephemeral"`;
    if (block.type === "thinking") return `${at}: thinking blocks cannot have cache_control`;
    if (block.type === "text" && block.text === "") return `${at}: cache_control cannot be set for empty text blocks`;
    if (ttl === "1h" && short) return `${at}: a ttl='1h' block must not come after a ttl='5m' block`;
    if (ttl !== "1h") short = true;
  }
  return undefined;
}

function blocksOf({ tools = [], system = [], messages }: Json): readonly Block[] {
  const list = (content: Json): Json[] => (typeof content === "string" ? [{ type: "text", text: content }] : content);
  const all: Json[] = [
    ...tools,
    ...list(system).map((block: Json) => ({ ...block, role: "system" })),
    ...messages.flatMap(({ role, content }: Json) => list(content).map((block) => ({ ...block, role }))),
  ];
  return all.map(({ cache_control: control, ...block }) => ({
    text: JSON.stringify(Object.entries(block).sort()),
    tokens: (block.text?.length ?? 0) / 4,
    control,
  }));
}

function usageOf(blocks: readonly Block[], kept: Set<string>): Record<string, unknown> {
  const beginnings: { text: string; tokens: number }[] = [];
  let text = "";
  let tokens = 0;
  for (const block of blocks) {
    text += block.text;
    tokens += block.tokens;
    beginnings.push({ text, tokens });
  }
  let read = 0;
  let written = 0;
  let hour = false;
  for (const [index, { control }] of blocks.entries()) {
    if (control === undefined) continue;
    hour ||= control.ttl === "1h";
    for (let at = index; at >= 0 && at > index - LOOK_BACK; at--) {
      const beginning = beginnings[at];
      if (beginning === undefined || !kept.has(beginning.text)) continue;
      read = Math.max(read, beginning.tokens);
      break;
    }
    const end = beginnings[index]?.tokens ?? 0;
    if (end >= MIN_TOKENS) written = end;
  }
  for (const [index, { control }] of blocks.entries()) {
    const beginning = beginnings[index];
    if (control !== undefined && beginning !== undefined && beginning.tokens >= MIN_TOKENS) kept.add(beginning.text);
  }
  written = Math.max(0, written - read);
  return {
    input_tokens: tokens - read - written,
    cache_read_input_tokens: read,
    cache_creation_input_tokens: written,
    cache_creation: { ephemeral_5m_input_tokens: hour ? 0 : written, ephemeral_1h_input_tokens: hour ? written : 0 },
    output_tokens: 10,
  };
}

function streamed(usage: Record<string, unknown>): string {
  const message = { ...chatReply("anthropic"), content: [], stop_reason: null, usage };
  const events: Json[] = [
    { type: "message_start", message },
    { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
    { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "a".repeat(40) } },
    { type: "content_block_stop", index: 0 },
    { type: "message_delta", delta: { stop_reason: "end_turn", stop_sequence: null }, usage: { output_tokens: 10 } },
    { type: "message_stop" },
  ];
  return events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join("");
}
