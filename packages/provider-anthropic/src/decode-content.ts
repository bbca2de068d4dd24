import type { CacheControl, DocumentPart, Extra, MediaSource, Part, TextPart } from "@signalbox/kernel";
import { GatewayError } from "@signalbox/kernel";
import type { JsonObject } from "@signalbox/kernel/http";
import { isJsonObject } from "@signalbox/kernel/http";
import { citationsFrom } from "./citations.ts";
import { membersBesides, stringOf } from "./json-object.ts";
import { ANTHROPIC } from "./names.ts";
import { isServerTool, serverToolFrom } from "./reply-parts.ts";
import { unsealReasoning } from "./sealed-reasoning.ts";

export function invalid(param: string, problem: string): GatewayError {
  return new GatewayError("invalid_request", `${param}: ${problem}`, { param });
}

const TEXT: ReadonlySet<string> = new Set(["type", "text", "citations", "cache_control"]);
const IMAGE: ReadonlySet<string> = new Set(["type", "source", "cache_control"]);
const DOCUMENT: ReadonlySet<string> = new Set(["type", "source", "title", "context", "citations", "cache_control"]);
const TOOL_USE: ReadonlySet<string> = new Set(["type", "id", "name", "input", "cache_control"]);
const TOOL_RESULT: ReadonlySet<string> = new Set(["type", "tool_use_id", "content", "is_error", "cache_control"]);

/** A breakpoint, and what of it the canonical form has no words for. */
export function decodeCacheControl(
  value: unknown,
  param: () => string,
): { readonly cacheControl?: CacheControl; readonly rest?: JsonObject } {
  if (value === undefined || value === null) return {};
  if (!isJsonObject(value)) throw invalid(param(), "must be an object");
  const { type, ttl } = value;
  const plain = type === "ephemeral" && (ttl === undefined || ttl === null || ttl === "5m" || ttl === "1h");
  const cacheControl: CacheControl = ttl === "5m" || ttl === "1h" ? { ttl } : {};
  return plain && Object.keys(value).length <= 2 ? { cacheControl } : { cacheControl, rest: { cache_control: value } };
}

/** Reads content blocks and knows where it is, so that errors can say so without a path being built for every block. */
export class ContentReader {
  /** Index of the message; -1: the system prompt. */
  message = -1;
  #block = -1;
  #inner = -1;

  /** Where the reader stands, with a member of the block at hand. */
  place(member?: string): string {
    let place = this.message < 0 ? "system" : `messages[${this.message}]`;
    if (this.#block >= 0) place += this.message < 0 ? `[${this.#block}]` : `.content[${this.#block}]`;
    if (this.#inner >= 0) place += `.content[${this.#inner}]`;
    return member === undefined ? place : `${place}.${member}`;
  }

  fail(member: string | undefined, problem: string): GatewayError {
    return invalid(this.place(member), problem);
  }

  /** The parts of a message or of the system prompt: a string, or a list of blocks. */
  parts(content: unknown): readonly Part[] {
    this.#block = -1;
    this.#inner = -1;
    if (typeof content === "string") return [{ type: "text", text: content }];
    if (!Array.isArray(content)) {
      throw this.fail(this.message < 0 ? undefined : "content", "must be a string or a list of content blocks");
    }
    const parts: Part[] = [];
    for (let index = 0; index < content.length; index++) {
      this.#block = index;
      parts.push(this.#part(content[index]));
    }
    this.#block = -1;
    return parts;
  }

  #part(block: unknown): Part {
    if (!isJsonObject(block)) throw this.fail(undefined, "must be an object");
    const type = block.type;
    if (typeof type !== "string") throw this.fail("type", "must be a string");
    switch (type) {
      case "text":
        return this.#text(block);
      case "image":
        return { type: "image", source: this.#mediaSource(block.source), ...this.#common(block, IMAGE) };
      case "document":
        return this.#document(block);
      case "tool_use":
        return {
          type: "toolCall",
          id: this.#string(block, "id"),
          name: this.#string(block, "name"),
          arguments: JSON.stringify(this.#object(block, "input")),
          ...this.#common(block, TOOL_USE),
        };
      case "tool_result":
        return this.#toolResult(block);
      case "thinking": {
        const text = this.#string(block, "thinking");
        const signature = stringOf(block.signature) ?? "";
        const foreign = unsealReasoning(signature);
        if (foreign !== undefined) return { type: "reasoning", text, ...foreign };
        return { type: "reasoning", text, ...(signature !== "" && { signature }), origin: ANTHROPIC };
      }
      case "redacted_thinking": {
        const data = this.#string(block, "data");
        return { type: "reasoning", text: "", ...(unsealReasoning(data) ?? { encrypted: data, origin: ANTHROPIC }) };
      }
      default:
        // new kinds of blocks reach Anthropic as they are
        return isServerTool(type) ? serverToolFrom(type, block) : { type: "opaque", origin: ANTHROPIC, value: block };
    }
  }

  #text(block: JsonObject): TextPart {
    const citations = citationsFrom(block.citations);
    return {
      type: "text",
      text: this.#string(block, "text"),
      ...(citations !== undefined && { citations }),
      ...this.#common(block, TEXT),
    };
  }

  #document(block: JsonObject): Part {
    const source = this.#object(block, "source");
    // a document in blocks of its own, to be cited block by block: only Anthropic has it
    if (source.type === "content") return { type: "opaque", origin: ANTHROPIC, value: block };
    const { citations } = block;
    const enabled = isJsonObject(citations) ? citations.enabled : undefined;
    const title = stringOf(block.title);
    const context = stringOf(block.context);
    return {
      type: "document",
      source: this.#documentSource(source),
      ...(title !== undefined && { title }),
      ...(context !== undefined && { context }),
      ...(typeof enabled === "boolean" && { citations: enabled }),
      ...this.#common(block, DOCUMENT),
    };
  }

  #documentSource(source: JsonObject): DocumentPart["source"] {
    return source.type === "text"
      ? { type: "text", text: this.#string(source, "data", "source.") }
      : this.#mediaSource(source, '"text", "content"');
  }

  #mediaSource(source: unknown, others: string = ""): MediaSource {
    if (!isJsonObject(source)) throw this.fail("source", "must be an object");
    switch (source.type) {
      case "base64":
        return {
          type: "data",
          mediaType: this.#string(source, "media_type", "source."),
          data: this.#string(source, "data", "source."),
        };
      case "url":
        return { type: "url", url: this.#string(source, "url", "source.") };
      case "file":
        return { type: "file", fileId: this.#string(source, "file_id", "source.") };
      default: {
        const known = `"base64", "url", "file"${others === "" ? "" : `, ${others}`}`;
        throw this.fail("source.type", `must be one of ${known}, not ${JSON.stringify(source.type)}`);
      }
    }
  }

  #toolResult(block: JsonObject): Part {
    const { content } = block;
    const isError = block.is_error;
    if (isError !== undefined && isError !== null && typeof isError !== "boolean") {
      throw this.fail("is_error", "must be a boolean");
    }
    return {
      type: "toolResult",
      toolCallId: this.#string(block, "tool_use_id"),
      content: this.#toolContent(content),
      ...(typeof isError === "boolean" && { isError }),
      ...this.#common(block, TOOL_RESULT),
    };
  }

  #toolContent(content: unknown): readonly Part[] {
    if (content === undefined || content === null) return [];
    if (typeof content === "string") return [{ type: "text", text: content }];
    if (!Array.isArray(content)) throw this.fail("content", "must be a string or a list of content blocks");
    if (this.#inner >= 0) throw this.fail("type", "a tool result cannot stand within a tool result");
    const parts: Part[] = [];
    for (let index = 0; index < content.length; index++) {
      this.#inner = index;
      parts.push(this.#part(content[index]));
    }
    this.#inner = -1;
    return parts;
  }

  #common(block: JsonObject, known: ReadonlySet<string>): { cacheControl?: CacheControl; extra?: Extra } {
    const { cacheControl, rest } = decodeCacheControl(block.cache_control, () => this.place("cache_control"));
    const members = membersBesides(block, known);
    return {
      ...(cacheControl !== undefined && { cacheControl }),
      ...((members !== undefined || rest !== undefined) && { extra: { [ANTHROPIC]: { ...members, ...rest } } }),
    };
  }

  #string(object: JsonObject, member: string, prefix: string = ""): string {
    const value = object[member];
    if (typeof value === "string") return value;
    throw this.fail(prefix + member, value === undefined ? "is required" : "must be a string");
  }

  #object(object: JsonObject, member: string): JsonObject {
    const value = object[member];
    if (isJsonObject(value)) return value;
    throw this.fail(member, value === undefined ? "is required" : "must be an object");
  }
}
