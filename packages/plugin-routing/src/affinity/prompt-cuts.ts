import type { ChatRequest, MediaSource, Message, Part, Tool } from "@signalbox/kernel";

/** A beginning of a prompt that a provider may have kept. */
export interface PromptCut {
  /** What was added since the cut before. */
  readonly text: string;
  /** Length of the whole beginning, in UTF-16 code units of text. */
  readonly units: number;
  /** A later call may begin like this; the others are only looked up. */
  readonly keep: boolean;
}

/** Providers take at most so many marks in a request. */
const MOST_MARKS = 4;
/** Longer texts are told apart by their length, their beginning and their end. */
const LONGEST_TEXT = 65_536;
const LONGEST_MEDIA = 1_024;
/** About as many units as there are tokens in a picture, or in the schema of a tool's parameter. */
const UNITS_PER_IMAGE = 3_200;
const UNITS_PER_PROPERTY = 60;

/** Where a prompt is cut: after all parts of a message, or after one of its parts. */
interface Places {
  /** The last message that is looked at. */
  readonly end: number;
  readonly afterMessages: ReadonlyMap<number, boolean>;
  readonly afterParts: ReadonlySet<Part>;
  readonly afterTools: boolean;
}

/**
 * The beginnings of a request, the shortest first, each as an addition to the one before. Where the client marks what
 * is to be kept, those that end at a mark are kept; else the whole request, which the next turn begins with, and all
 * but the last turn of the user, which another question to the same text begins with. Looked up are besides: the
 * requests of the two turns before, and what stands before the first turn.
 */
export function promptCuts(request: ChatRequest): readonly PromptCut[] {
  const places = markedPlaces(request) ?? usualPlaces(request.messages);
  const cuts: PromptCut[] = [];
  const pen = new Pen();
  if (request.tools !== undefined) for (const tool of request.tools) pen.tool(tool);
  if (places.afterTools) cuts.push(pen.cut(true));
  for (const [at, message] of request.messages.entries()) {
    if (at > places.end) break;
    pen.message(message);
    for (const part of message.content) {
      pen.part(part);
      if (places.afterParts.has(part)) cuts.push(pen.cut(true));
    }
    const keep = places.afterMessages.get(at);
    if (keep !== undefined) cuts.push(pen.cut(keep));
  }
  return cuts;
}

/** Where the client's own marks are; undefined when there are none. */
function markedPlaces({ messages, tools, cacheControl }: ChatRequest): Places | undefined {
  const marked: Part[] = [];
  let end = -1;
  for (let at = messages.length - 1; at >= 0 && marked.length < MOST_MARKS; at--) {
    const content = (messages[at] as Message).content;
    for (let index = content.length - 1; index >= 0 && marked.length < MOST_MARKS; index--) {
      const part = content[index] as Part;
      if (part.cacheControl === undefined) continue;
      marked.push(part);
      end = Math.max(end, at);
    }
  }
  const afterTools = tools?.some((tool) => tool.type === "function" && tool.cacheControl !== undefined) ?? false;
  if (marked.length === 0 && !afterTools && cacheControl === undefined) return undefined;
  const afterMessages = new Map<number, boolean>();
  for (const at of beforeAnswers(messages)) if (at < end) afterMessages.set(at, false);
  if (cacheControl !== undefined) {
    // "keep all of it"
    end = messages.length - 1;
    for (const at of beforeAnswers(messages)) afterMessages.set(at, false);
    afterMessages.set(end, true);
  }
  return { end, afterMessages, afterParts: new Set(marked), afterTools };
}

function usualPlaces(messages: readonly Message[]): Places {
  const end = messages.length - 1;
  const afterMessages = new Map<number, boolean>();
  const first = messages.findIndex(({ role }) => role !== "system" && role !== "developer");
  const answered = messages.findLastIndex(({ role }) => role === "assistant");
  if (first > 0) afterMessages.set(first - 1, answered < 0);
  for (const at of beforeAnswers(messages)) afterMessages.set(at, false);
  if (answered >= 0) afterMessages.set(answered, true);
  afterMessages.set(end, true);
  return { end, afterMessages, afterParts: new Set(), afterTools: first <= 0 && answered < 0 };
}

/** The messages before the last two answers: with them the last two requests of the conversation ended. */
function beforeAnswers(messages: readonly Message[]): readonly number[] {
  const found: number[] = [];
  for (let at = messages.length - 1; at > 0 && found.length < 2; at--) {
    const asked = messages[at - 1]?.role !== "assistant";
    if (asked && messages[at]?.role === "assistant") found.push(at - 1);
  }
  return found;
}

/** Writes a prompt down in one way, whatever dialect it came in. */
class Pen {
  #text = "";
  #units = 0;

  cut(keep: boolean): PromptCut {
    const text = this.#text;
    this.#text = "";
    return { text, units: this.#units, keep };
  }

  message({ role, name }: Message): void {
    this.#text += `\n<${role} ${name ?? ""}>`;
  }

  /** A schema seldom changes under one name and description: its properties' names are enough. */
  tool(tool: Tool): void {
    if (tool.type === "server") {
      this.#write("server", tool.name ?? tool.origin);
      return;
    }
    this.#write("tool", tool.name);
    this.#write("", tool.description ?? "");
    const properties = tool.type === "function" ? tool.parameters?.["properties"] : undefined;
    if (typeof properties !== "object" || properties === null) return;
    for (const property in properties) {
      this.#text += ` ${property}`;
      this.#units += UNITS_PER_PROPERTY;
    }
  }

  /** Reasoning is left out: clients leave it out of later turns. */
  part(part: Part): void {
    switch (part.type) {
      case "text":
      case "refusal":
        this.#write("text", part.text);
        break;
      case "toolCall":
        this.#write("call", part.name);
        this.#write("", part.arguments);
        break;
      case "toolResult":
        this.#write("result", part.toolCallId);
        for (const each of part.content) this.part(each);
        break;
      case "image":
        this.#media("image", part.source);
        this.#units += UNITS_PER_IMAGE;
        break;
      case "audio":
        this.#media("audio", part.source);
        break;
      case "document":
        if (part.source.type === "text") this.#write("document", part.source.text);
        else this.#media("document", part.source);
        break;
      case "serverTool":
        this.#write("server", part.id ?? part.name ?? part.origin);
        break;
      default:
        break;
    }
  }

  #media(kind: string, source: MediaSource): void {
    const what = source.type === "url" ? source.url : source.type === "file" ? source.fileId : source.data;
    this.#text += `\n${kind} ${what.length}:${ends(what, LONGEST_MEDIA)}`;
  }

  #write(kind: string, text: string): void {
    this.#units += text.length;
    this.#text += `\n${kind} ${text.length}:${ends(text, LONGEST_TEXT)}`;
  }
}

/** The text, or its beginning and its end. */
function ends(text: string, longest: number): string {
  return text.length <= longest ? text : text.slice(0, longest / 2) + text.slice(-longest / 2);
}
