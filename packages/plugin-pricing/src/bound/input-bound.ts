import type { CacheControl, ChatRequest, Deployment, Part, ServerTool, Tool } from "@signalbox/kernel";
import { modelNameOf } from "../prices/base-model.ts";
import { audioTokens, bytesOf, imageTokens, vendorOf } from "./media-tokens.ts";
import { textBytes, valueBytes } from "./value-bytes.ts";

/** The most that a chat request can count as input. */
export interface InputBound {
  readonly tokens: number;
  /** It refers to things that are not in the request: only the model's context window bounds it. */
  readonly open: boolean;
  /** What the request asks to be written to a cache. */
  readonly cacheWrite: "none" | "short" | "long";
  readonly audio: boolean;
  readonly images: boolean;
  /** The provider may run tools of its own, whose results are input again and whose calls may cost. */
  readonly hosted: boolean;
}

/** What the frame of a message, a part, a call counts at most. */
const TOKENS_PER_PART = 16;
/** What vendors put around a request: at most 804 tokens for tools at Anthropic, and less elsewhere. */
const TOKENS_PER_REQUEST = 64;
const TOKENS_FOR_TOOLS = 1_024;
/** Definitions of tools that a vendor knows by name: up to 1,500 tokens for computer use at Anthropic. */
const TOKENS_PER_NAMED_TOOL = 2_000;
/** Vendors that put a system prompt of their own before the client's: Venice, unless `venice_parameters` says no. */
const TOKENS_OF_OWN_PROMPT: ReadonlyMap<string, number> = new Map([["venice", 4_096]]);
/** Tools that a vendor defines and the client runs. */
const CLIENT_TOOLS = /^(bash|text_editor|computer|memory|str_replace|local_shell|apply_patch)/;
/** Members by which other vendors are asked to search. */
const HOSTED_MEMBERS = ["web_search_options", "plugins", "search_parameters", "mcp_servers", "container"];
/** Members that bring in what a vendor keeps. */
const KEPT_MEMBERS = ["previous_response_id", "conversation", "cachedContent", "cached_content", "prompt"];
/** Models that search without being asked. */
const SEARCHING_MODELS = /search|deep-research/i;

/** Looks through a chat request once. Texts are counted by their bytes, media by their vendor's maxima. */
export function inputBound(request: ChatRequest, deployment: Deployment): InputBound {
  const bound = new Bound(deployment);
  bound.chat(request);
  return bound;
}

class Bound implements InputBound {
  tokens = TOKENS_PER_REQUEST;
  open = false;
  cacheWrite: "none" | "short" | "long" = "none";
  audio = false;
  images = false;
  hosted: boolean;
  readonly #deployment: Deployment;
  #vendor: string | undefined;

  constructor(deployment: Deployment) {
    this.#deployment = deployment;
    this.tokens += TOKENS_OF_OWN_PROMPT.get(deployment.provider) ?? 0;
    this.hosted = SEARCHING_MODELS.test(modelNameOf(deployment));
  }

  chat(request: ChatRequest): void {
    this.#cache(request.cacheControl);
    for (const message of request.messages) {
      this.tokens += TOKENS_PER_PART + (message.name === undefined ? 0 : textBytes(message.name));
      this.#parts(message.content);
    }
    if (request.tools !== undefined) {
      this.tokens += TOKENS_FOR_TOOLS;
      for (const tool of request.tools) this.#tool(tool);
    }
    if (request.responseFormat?.type === "jsonSchema") this.tokens += valueBytes(request.responseFormat);
    if (request.prediction !== undefined) this.tokens += valueBytes(request.prediction);
    if (request.extra !== undefined) for (const members of Object.values(request.extra)) this.#members(members);
    if (this.#deployment.extraBody !== undefined) this.#members(this.#deployment.extraBody);
  }

  #members(members: Readonly<Record<string, unknown>>): void {
    this.tokens += valueBytes(members);
    if (HOSTED_MEMBERS.some((name) => members[name] !== undefined)) this.hosted = true;
    if (KEPT_MEMBERS.some((name) => members[name] !== undefined)) this.open = true;
    if (members["cache_control"] !== undefined) this.cacheWrite = "long";
    if (members["tools"] !== undefined) this.hosted = true;
  }

  #tool(tool: Tool): void {
    this.tokens += TOKENS_PER_PART;
    if (tool.type === "server") {
      this.tokens += valueBytes(tool.value) + TOKENS_PER_NAMED_TOOL;
      if (!isClientTool(tool)) this.hosted = true;
      if (tool.value["cache_control"] !== undefined) this.cacheWrite = "long";
      return;
    }
    if (tool.type === "function") this.#cache(tool.cacheControl);
    this.tokens += valueBytes(tool);
  }

  #parts(parts: readonly Part[]): void {
    for (const part of parts) this.#part(part);
  }

  #part(part: Part): void {
    this.tokens += TOKENS_PER_PART;
    if (part.cacheControl !== undefined) this.#cache(part.cacheControl);
    switch (part.type) {
      case "text":
      case "refusal":
        this.tokens += textBytes(part.text);
        break;
      case "reasoning":
        this.tokens += textBytes(part.text) + (part.encrypted?.length ?? 0) + (part.signature?.length ?? 0);
        break;
      case "toolCall":
        this.tokens += textBytes(part.id) + textBytes(part.name) + textBytes(part.arguments);
        break;
      case "toolResult":
        this.tokens += textBytes(part.toolCallId);
        this.#parts(part.content);
        break;
      case "image":
        this.images = true;
        this.#vendor ??= vendorOf(this.#deployment);
        this.tokens += imageTokens(this.#vendor, modelNameOf(this.#deployment), part.detail);
        break;
      case "audio": {
        this.audio = true;
        const bytes = bytesOf(part);
        if (bytes === undefined) this.open = true;
        else this.tokens += audioTokens(bytes) + textBytes(part.transcript ?? "");
        break;
      }
      case "document":
        this.tokens += textBytes(part.title ?? "") + textBytes(part.context ?? "");
        // pages are text and pictures: no number of bytes bounds them
        if (part.source.type === "text") this.tokens += textBytes(part.source.text);
        else this.open = true;
        break;
      case "serverTool":
        this.tokens += valueBytes(part.value);
        break;
      case "opaque":
        this.open = true;
        break;
    }
  }

  #cache(control: CacheControl | undefined): void {
    if (control === undefined) return;
    if (control.ttl !== undefined && control.ttl !== "5m") this.cacheWrite = "long";
    else if (this.cacheWrite === "none") this.cacheWrite = "short";
  }
}

function isClientTool({ name, value }: ServerTool): boolean {
  const type = value["type"];
  return CLIENT_TOOLS.test(typeof type === "string" ? type : (name ?? ""));
}
