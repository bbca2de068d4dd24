/** Vendor fields, namespaced by provider or dialect: `{ anthropic: { … } }`. Carried, never interpreted by the kernel. */
export type Extra = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** Where the bytes of an image, a sound or a document are. */
export type MediaSource =
  | { readonly type: "url"; readonly url: string; readonly mediaType?: string }
  | { readonly type: "data"; readonly mediaType: string /** Base64. */; readonly data: string }
  | { readonly type: "file"; readonly fileId: string; readonly mediaType?: string };

/** "Keep everything up to here": a prompt-cache breakpoint. */
export interface CacheControl {
  readonly ttl?: "5m" | "30m" | "1h" | "12h";
}

interface PartBase {
  readonly cacheControl?: CacheControl;
  readonly extra?: Extra;
}

/** A source that the model names for a piece of its text. Fields that a vendor adds stay in `extra`. */
export interface Citation {
  readonly type: "url" | "document" | "other";
  readonly url?: string;
  readonly title?: string;
  readonly citedText?: string;
  /** Positions in the text of the part, in UTF-16 code units. */
  readonly startIndex?: number;
  readonly endIndex?: number;
  readonly extra?: Extra;
}

/** Words, with the sources they cite. */
export interface TextPart extends PartBase {
  readonly type: "text";
  readonly text: string;
  readonly citations?: readonly Citation[];
}

/** A picture, with the detail in which the model shall look at it. */
export interface ImagePart extends PartBase {
  readonly type: "image";
  readonly source: MediaSource;
  readonly detail?: "auto" | "low" | "high" | "original";
}

/** A sound in a request, or the spoken answer in a reply. */
export interface AudioPart extends PartBase {
  readonly type: "audio";
  readonly source: MediaSource;
  /** `wav`, `mp3`, … */
  readonly format?: string;
  /** Id under which a provider keeps its own answer, to refer to it in the next turn. */
  readonly id?: string;
  readonly transcript?: string;
  /** Epoch seconds. */
  readonly expiresAt?: number;
}

/** A file to read, or a text with a title that can be cited. */
export interface DocumentPart extends PartBase {
  readonly type: "document";
  readonly source: MediaSource | { readonly type: "text"; readonly text: string };
  readonly title?: string;
  readonly context?: string;
  readonly citations?: boolean;
}

/** What the model wants to have run. `arguments` is the exact text the model wrote: JSON for functions, free for custom tools. */
export interface ToolCallPart extends PartBase {
  readonly type: "toolCall";
  readonly id: string;
  readonly name: string;
  readonly arguments: string;
  readonly kind?: "function" | "custom";
}

/** What a tool answered to the call with this id. */
export interface ToolResultPart extends PartBase {
  readonly type: "toolResult";
  readonly toolCallId: string;
  readonly name?: string;
  readonly content: readonly Part[];
  readonly isError?: boolean;
}

/**
 * The model's reasoning. `signature` and `encrypted` belong to the vendor in `origin` and go back to it unchanged
 * while a tool loop lasts; another vendor never sees them.
 */
export interface ReasoningPart extends PartBase {
  readonly type: "reasoning";
  readonly text: string;
  readonly signature?: string;
  /** Reasoning that only the vendor can read (Anthropic `redacted_thinking`, OpenAI `encrypted_content`). */
  readonly encrypted?: string;
  readonly id?: string;
  /** The text is a summary, not the reasoning itself. */
  readonly summary?: boolean;
  readonly origin?: string;
}

/** Words by which the model declines, where the vendor tells them from an answer. */
export interface RefusalPart extends PartBase {
  readonly type: "refusal";
  readonly text: string;
}

/** A tool that the provider ran itself: web search, code execution, remote MCP. `value` is the vendor's own block. */
export interface ServerToolPart extends PartBase {
  readonly type: "serverTool";
  readonly phase: "call" | "result";
  readonly id?: string;
  readonly name?: string;
  readonly origin: string;
  readonly value: Readonly<Record<string, unknown>>;
}

/** A block that only the vendor in `origin` understands: kept whole, sent to no other vendor. */
export interface OpaquePart extends PartBase {
  readonly type: "opaque";
  readonly origin: string;
  readonly value: Readonly<Record<string, unknown>>;
}

/** A piece of a message or of an answer. What no other type names is an `opaque` part: nothing is lost. */
export type Part =
  | TextPart
  | ImagePart
  | AudioPart
  | DocumentPart
  | ToolCallPart
  | ToolResultPart
  | ReasoningPart
  | RefusalPart
  | ServerToolPart
  | OpaquePart;

/** All text of some parts, joined. */
export function textOf(parts: readonly Part[]): string {
  let text = "";
  for (const part of parts) if (part.type === "text") text += part.text;
  return text;
}
