import type { ChatRequest } from "../chat/request.ts";
import type { FinishReason } from "../chat/result.ts";
import type { Deployment } from "../deployment.ts";
import type { ErrorCode } from "../errors.ts";
import type { OperationName, RequestOf, ResultOf } from "../operation.ts";
import type { Usage } from "../usage.ts";
import type { Exchange } from "./exchange.ts";

/** What the answer to a chat scenario says, whatever the wire looks like. Fields left out are expected to be absent. */
export interface ExpectedChat {
  readonly text?: string;
  readonly reasoning?: string;
  readonly refusal?: string;
  readonly toolCalls?: readonly {
    /** Left out when the vendor has no ids: any id will do. */
    readonly id?: string;
    readonly name: string;
    /** Parsed. */
    readonly arguments: unknown;
  }[];
  readonly finishReason: FinishReason;
  /** In the normal form; partitions of zero may be left out. */
  readonly usage: Usage;
}

/** A chat: what the vendor answers, plain and streamed, and what must come of it. */
export interface ChatScenario {
  /** Added to the kit's own request. */
  readonly request?: Partial<ChatRequest>;
  /** Added to the kit's own deployment: a model that can reason, … */
  readonly deployment?: Partial<Deployment>;
  /** What the vendor answers without streaming. */
  readonly reply?: Exchange;
  /** What the vendor answers to a stream. */
  readonly stream?: Exchange;
  readonly expected: ExpectedChat;
  /** Where the recorded stream is of another answer than the recorded reply. */
  readonly expectedStream?: ExpectedChat;
}

/** Each scenario is given, unless a capability of its own says that the vendor cannot do it. */
export interface ChatScenarios {
  readonly text: ChatScenario;
  readonly toolCall?: ChatScenario;
  /** Two calls in one answer. */
  readonly parallelToolCalls?: ChatScenario;
  readonly reasoning?: ChatScenario;
  readonly refusal?: ChatScenario;
  /** A usage with tokens read from a prompt cache. */
  readonly cachedUsage?: ChatScenario;
  /** Cut by the token limit. */
  readonly length?: ChatScenario;
  /** More of the author's own, by name. */
  readonly more?: Readonly<Record<string, ChatScenario>>;
}

/** A failure as the vendor reports it. */
export interface ErrorScenario {
  readonly exchange: Exchange;
  /** Default: the code that the kind of error stands for. */
  readonly code?: ErrorCode;
  readonly retryable?: boolean;
  readonly retryAfterMs?: number;
  /** A piece of the vendor's explanation that the caller must see. */
  readonly message?: string;
}

/** The vendor's way of saying no, by cause. */
export interface ErrorScenarios {
  /** 400 or 422 → `invalid_request`. */
  readonly badRequest: ErrorScenario;
  /** 401 or 403 → `provider_auth_failed`. */
  readonly unauthorized: ErrorScenario;
  /** 404 → `model_not_found`. */
  readonly notFound: ErrorScenario;
  /** 429 → `provider_rate_limited`. The kit adds `retry-after: 7` and expects 7,000 ms. */
  readonly rateLimited: ErrorScenario;
  /** 500 → `provider_error`. */
  readonly serverError: ErrorScenario;
  /** 503 or 529 → `provider_overloaded`. */
  readonly overloaded: ErrorScenario;
  /** → `context_length_exceeded`. */
  readonly contextLength?: ErrorScenario;
  /** → `content_policy_violation`. */
  readonly contentPolicy?: ErrorScenario;
  /** A failure under status 200 → `provider_error`. */
  readonly inBody?: ErrorScenario;
  /** A failure in the middle of a stream, after its first event → `provider_error`. */
  readonly inStream?: ErrorScenario;
}

/** Any operation but chat. */
export interface OperationScenario<Name extends OperationName> {
  readonly request: Omit<RequestOf<Name>, "model">;
  readonly deployment?: Partial<Deployment>;
  readonly reply?: Exchange;
  /** Members the result must have. */
  readonly expected: { readonly [Field in keyof ResultOf<Name>]?: unknown };
}

/** Exchanges of the operations other than `chat`. */
export type OperationScenarios = {
  readonly [Name in Exclude<OperationName, "chat">]?: readonly OperationScenario<Name>[];
};

/** What the vendor sends, scenario by scenario: recorded, or written by hand in the vendor's documented shape. */
export interface ProviderWire {
  readonly chat?: ChatScenarios;
  readonly errors?: ErrorScenarios;
  /** At least one scenario for every other operation that the provider offers. */
  readonly operations?: OperationScenarios;
  /** A parameter that the model does not take: `{ request: { topK: 4 }, parameter: "top_k" }`. */
  readonly unsupported?: { readonly request: Partial<ChatRequest>; readonly parameter: string };
  /** The vendor's list of models and the ids in it. */
  readonly listModels?: { readonly reply: Exchange; readonly ids: readonly string[] };
}

/**
 * What the provider can do. Everything is on unless declared `false`; only that leaves cases out. A case without its
 * scenario fails, and so does a scenario whose capability is declared off.
 */
export interface ProviderCapabilities {
  /** Off: the provider reaches nothing over HTTP (a mock). Leaves out all that needs an upstream. */
  readonly network?: boolean;
  readonly chat?: boolean;
  readonly streaming?: boolean;
  readonly toolCall?: boolean;
  readonly parallelToolCalls?: boolean;
  readonly reasoning?: boolean;
  readonly refusal?: boolean;
  readonly cachedUsage?: boolean;
  readonly length?: boolean;
  /** Off: the vendor takes every parameter, or nobody knows which it does not. */
  readonly unsupported?: boolean;
  readonly contextLength?: boolean;
  readonly contentPolicy?: boolean;
  readonly inBody?: boolean;
  readonly inStream?: boolean;
  readonly listModels?: boolean;
  /** Off: the key does not travel (request signatures), or there is none. */
  readonly apiKey?: boolean;
  /** Off: the request body is not a JSON object. */
  readonly extraBody?: boolean;
  /** Off: the provider does not use `attempt.transport` (a bridge), so that the gateway's time limits do not reach it. */
  readonly transport?: boolean;
}
