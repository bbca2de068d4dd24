import type { CacheControl, Extra, Part } from "./part.ts";

/**
 * One turn. Tool results stand in messages of role `tool` (one or more `toolResult` parts, then nothing else);
 * dialects that put them into user messages split and join them there.
 */
export interface Message {
  readonly role: "system" | "developer" | "user" | "assistant" | "tool";
  readonly content: readonly Part[];
  readonly name?: string;
  readonly extra?: Extra;
}

/** A function the client will run. `parameters` is a JSON Schema, passed on as it came. */
export interface FunctionTool {
  readonly type: "function";
  readonly name: string;
  readonly description?: string;
  readonly parameters?: Readonly<Record<string, unknown>>;
  readonly strict?: boolean;
  readonly cacheControl?: CacheControl;
  readonly extra?: Extra;
}

/** A tool whose input is free text, optionally bound by a grammar (OpenAI custom tools). */
export interface CustomTool {
  readonly type: "custom";
  readonly name: string;
  readonly description?: string;
  readonly format?: Readonly<Record<string, unknown>>;
}

/** A tool that the provider in `origin` runs or defines itself; `value` is its own definition. */
export interface ServerTool {
  readonly type: "server";
  readonly origin: string;
  readonly name?: string;
  readonly value: Readonly<Record<string, unknown>>;
}

/** What the model may call: a function with a schema, a tool with free text, or one that the provider runs. */
export type Tool = FunctionTool | CustomTool | ServerTool;

/** Whether the model may, must or must not call tools, and which. */
export type ToolChoice =
  | { readonly type: "auto" | "none" | "required" }
  | { readonly type: "tool"; readonly name: string; readonly kind?: "function" | "custom" }
  | { readonly type: "allowed"; readonly mode: "auto" | "required"; readonly names: readonly string[] };

/** The form that the answer shall have. */
export type ResponseFormat =
  | { readonly type: "text" }
  | { readonly type: "json" }
  | {
      readonly type: "jsonSchema";
      readonly name: string;
      readonly description?: string;
      readonly schema: Readonly<Record<string, unknown>>;
      readonly strict?: boolean;
    };

/** How much a model may think before it answers. Efforts are the union of all vendors' words, weakest first. */
export interface Reasoning {
  readonly effort?: "none" | "minimal" | "low" | "medium" | "high" | "xhigh" | "max";
  /** `adaptive`: the model decides; `enabled`: think, up to `budgetTokens`; `disabled`: do not. */
  readonly mode?: "adaptive" | "enabled" | "disabled" | (string & {});
  readonly budgetTokens?: number;
  /** Whether and how the reasoning is shown. */
  readonly display?: string;
  readonly extra?: Extra;
}

/**
 * A chat request in the canonical form. Every field besides `model` and `messages` is optional; a missing field means
 * "the provider's default". Fields that no two other vendors share stand in `extra`, under the dialect they came from.
 */
export interface ChatRequest {
  readonly model: string;
  readonly messages: readonly Message[];
  /** The caller wants events as they happen. Providers may answer without events all the same. */
  readonly stream?: boolean;
  readonly tools?: readonly Tool[];
  readonly toolChoice?: ToolChoice;
  readonly parallelToolCalls?: boolean;
  readonly maxOutputTokens?: number;
  readonly temperature?: number;
  readonly topP?: number;
  readonly topK?: number;
  readonly stop?: readonly string[];
  readonly seed?: number;
  readonly frequencyPenalty?: number;
  readonly presencePenalty?: number;
  readonly logitBias?: Readonly<Record<string, number>>;
  readonly logprobs?: boolean;
  readonly topLogprobs?: number;
  /** How many alternative answers (`n`). */
  readonly choiceCount?: number;
  readonly responseFormat?: ResponseFormat;
  readonly reasoning?: Reasoning;
  readonly verbosity?: string;
  readonly modalities?: readonly string[];
  readonly audio?: { readonly voice: unknown; readonly format: string };
  readonly prediction?: Readonly<Record<string, unknown>>;
  readonly serviceTier?: string;
  /** End user, for the provider's abuse detection. */
  readonly user?: string;
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly store?: boolean;
  readonly cacheControl?: CacheControl;
  readonly extra?: Extra;
}
