import type { ChatParameter, Deployment, ErrorCode, GatewayErrorOptions, HeaderList } from "@signalbox/kernel";

/** The endpoints of the OpenAI wire format that this package speaks. */
export type WireResource = "chat" | "complete" | "embed" | "models";

/** Where one request goes: everything about it that does not depend on its body, computed once per deployment. */
export interface WireEndpoint {
  /** `https://api.openai.com` */
  readonly origin: string;
  /** Path and query: `/v1/chat/completions`. */
  readonly path: string;
  /** Credentials included; `content-type` is added by the caller. */
  readonly headers: HeaderList;
}

/**
 * Finds the endpoint for a deployment. The default (`wireEndpoints`) joins base URL and path and sends a bearer token;
 * a host that builds addresses from the model or fetches tokens brings its own.
 */
export type EndpointSource = (
  target: { readonly deployment: Deployment; readonly upstreamModel: string },
  resource: WireResource,
) => WireEndpoint | Promise<WireEndpoint>;

/** What one model (or all models of a host) takes. All members are optional; missing means "as OpenAI's chat models". */
export interface ModelRules {
  /** Fields that the model always refuses. */
  readonly unsupported?: readonly ChatParameter[];
  /** Fields that it takes only while it does not reason: with effort `none`. */
  readonly refusedWhileReasoning?: readonly ChatParameter[];
  /** Effort words it takes, weakest first. Another word becomes the nearest weaker one (else the weakest), with a note in the trace. */
  readonly efforts?: readonly string[];
  /** The effort when a request names none. Decides `refusedWhileReasoning`. Default: it reasons. */
  readonly defaultEffort?: string;
  /** How the model calls the output limit. */
  readonly maxTokens?: "max_tokens" | "max_completion_tokens";
  /** Role of instructions. `system`: `developer` messages are sent as `system`, and the reverse. Default: as the client wrote. */
  readonly instructions?: "system" | "developer";
  /** Values of `service_tier` that the model takes; another one counts as an unsupported parameter. */
  readonly serviceTiers?: readonly string[];
}

/**
 * One row of a capability table. `match` is a model name in which `*` stands for any characters (`gpt-5-*`); names
 * are compared without an `ft:` prefix and in lower case. The first row that matches holds.
 */
export interface ModelRule extends ModelRules {
  readonly match: string;
}

/** How an upstream error becomes a gateway error, where the general rules do not know it. */
export interface ErrorRow {
  /** Compared with `error.code`, `error.type`, or the top-level `code` or `type` of the body, as text. */
  readonly word: string;
  /** Only for this HTTP status. */
  readonly status?: number;
  readonly code: ErrorCode;
  readonly options?: Pick<GatewayErrorOptions, "retryable" | "type" | "param">;
}

/**
 * How one host's dialect of the OpenAI wire format differs from OpenAI's, as data. Everything but `name` and `baseUrl`
 * has a default that suits a host that follows OpenAI to the letter.
 *
 * ```ts
 * const deepseek: WireProfile = {
 *   name: "deepseek",
 *   baseUrl: "https://api.deepseek.com",
 *   reasoning: { field: "reasoning_content", echo: true },
 *   rules: { instructions: "system", maxTokens: "max_tokens", unsupported: ["seed", "topK"] },
 * };
 * ```
 */
export interface WireProfile {
  /** Name of the provider: the word before the slash in model strings, and `source` of its errors. */
  readonly name: string;
  /** With version prefix, without trailing slash: `https://api.groq.com/openai/v1`. */
  readonly baseUrl: string;
  /**
   * Paths below the base URL. Defaults: `/chat/completions`, `/completions`, `/embeddings`, `/models`. Null: the host
   * has no such endpoint. Without `complete` a text completion is asked as a chat with one user message.
   */
  readonly paths?: { readonly [Resource in WireResource]?: string | null };
  /** Models (`*` as in capability tables) that answer at `complete`; the others are asked as chats. Default: all. */
  readonly textCompletionModels?: readonly string[];
  /**
   * How the API key travels. Default `{ header: "authorization", prefix: "Bearer " }`; Azure's is `{ header: "api-key" }`.
   */
  readonly auth?: { readonly header: string; readonly prefix?: string };
  /** The host refuses requests without an API key: a missing one is reported at start. Default false. */
  readonly apiKeyRequired?: boolean;
  /** Sent with every request. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Client headers (lower case) that travel on in the native lane. Default `["openai-beta"]`. */
  readonly clientHeaders?: readonly string[];
  readonly modelPrefixes?: readonly string[];

  /** What every model of the host takes; a row of `models` overrides it member by member. */
  readonly rules?: ModelRules;
  /** Rows for some models; the first that matches holds. */
  readonly models?: readonly ModelRule[];
  /** Body members by another name: `{ max_tokens: "max_output_tokens" }`. Applied last, in both lanes. */
  readonly rename?: Readonly<Record<string, string>>;
  /** Added to every chat body that does not have them. */
  readonly extraBody?: Readonly<Record<string, unknown>>;
  /** Whether `stream_options.include_usage` may be sent. Default true. */
  readonly streamOptions?: boolean;
  /** Takes `response_format: json_schema`. False: sent as `json_object`, with a note in the trace. Default true. */
  readonly jsonSchema?: boolean;
  /** Takes `cache_control` on content parts and tools (OpenRouter, Vercel). Default false: left out. */
  readonly cacheControl?: boolean;
  /** Takes images in tool messages. False: they are sent in a user message that follows. Default false. */
  readonly toolImages?: boolean;
  /** What an assistant message without text carries beside tool calls. Default null. */
  readonly emptyContent?: "" | null;

  readonly reasoning?: {
    /**
     * Member that holds the text of reasoning in an assistant message sent back upstream. Replies are read under all
     * known names (`reasoning_content`, `reasoning`, `reasoning_text`, `thinking`). Default `reasoning_content`.
     */
    readonly field?: string;
    /** The host wants its reasoning back in later turns (DeepSeek, Moonshot in tool loops). Default false: left out. */
    readonly echo?: boolean;
    /** The host gives and takes `reasoning_details[]` (OpenRouter, Vercel). Default false: read, not sent. */
    readonly details?: boolean;
    /** Value of `ReasoningPart.origin` for this host's own reasoning. Default: `name`. */
    readonly origin?: string;
    /**
     * How a wish to reason is said. `effort` (default): `reasoning_effort`; `openrouter`: `reasoning: {effort |
     * max_tokens | enabled}`; `thinking`: `thinking: {type: enabled | disabled}` beside `reasoning_effort`.
     */
    readonly request?: "effort" | "openrouter" | "thinking";
  };

  readonly usage?: {
    /**
     * Where the host says what a call cost, in US dollars: `cost` (a number), `cost.total_cost` (an object), or
     * `cost_in_usd_ticks` (10⁻¹⁰ USD). Default: nowhere.
     */
    readonly cost?: "cost" | "cost.total_cost" | "cost_in_usd_ticks";
  };

  /** Words of this host's error bodies; looked up before the general rules. */
  readonly errors?: readonly ErrorRow[];
  /** Finish reasons besides OpenAI's own, by the host's word. */
  readonly finishReasons?: Readonly<Record<string, "stop" | "length" | "toolCalls" | "contentFilter" | "error">>;
}
