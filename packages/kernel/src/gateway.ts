import type { DependencyContainer } from "tsyringe";
import type { Authenticator } from "./authenticator.ts";
import type { Cache } from "./cache/cache.ts";
import type { CachePolicy } from "./cache/cache-policy.ts";
import type { Call, CallOptions } from "./call.ts";
import type { ChatEvent } from "./chat/event.ts";
import type { Part } from "./chat/part.ts";
import type { ChatRequest, Message } from "./chat/request.ts";
import type { ChatResult } from "./chat/result.ts";
import type { Deployment, ModelTable } from "./deployment.ts";
import type { Dialect, ResourceRoute } from "./dialect.ts";
import type { ErrorCode, GatewayError } from "./errors.ts";
import type { Stage } from "./layer.ts";
import type { NativeRequest } from "./native.ts";
import type { OperationName, Reply, RequestOf, ResultOf } from "./operation.ts";
import type { EmbedResult } from "./operations/embed.ts";
import type { Health, Plugin } from "./plugin.ts";
import type { Principal } from "./principal.ts";
import type { ListedModel, Provider } from "./provider.ts";
import type { Skip } from "./trace.ts";

/** What a gateway is made of. `createGateway` refuses options that do not exist. */
export interface GatewayOptions {
  readonly plugins: readonly Plugin[];
  /**
   * What the gateway serves. Without it every provider serves all its models as `<provider>/<model>`, and bare names
   * such as `gpt-5` go to the provider that owns the prefix.
   */
  readonly deployments?: readonly Deployment[];
  /**
   * Public model name → public model names to try when all its deployments have failed. The name that a client asks for
   * counts first, so that an alias can have its own.
   */
  readonly fallbacks?: Readonly<Record<string, readonly string[]>>;
  /**
   * Other names for public models. One pass: an alias of an alias is an error. A hidden one works, but is not listed.
   */
  readonly aliases?: Readonly<Record<string, string | ModelAlias>>;
  /** Total time for a call over all attempts; for streams until the first event. Default 600,000. */
  readonly timeoutMs?: number;
  /** Longest silence within a stream. Default: `timeoutMs`. */
  readonly idleTimeoutMs?: number;
  /** The default of `Deployment.dropParams`. Default false. */
  readonly dropParams?: boolean;
  /** What is cached, for whom and for how long, where a plugin brings a cache. */
  readonly caching?: CachePolicy;
  /** Parent of the gateway's own container: what it registers replaces the defaults. */
  readonly container?: DependencyContainer;
}

/** What another name for a model stands for. */
export interface ModelAlias {
  readonly model: string;
  /** Not shown in listings. Default false. */
  readonly hidden?: boolean;
}

/** What a call is opened with. */
export interface CallInput<Name extends OperationName> {
  readonly operation: Name;
  readonly request: RequestOf<Name>;
  /** Default: the application itself, which may use everything. */
  readonly principal?: Principal;
  readonly options?: CallOptions;
  readonly native?: NativeRequest;
  readonly signal?: AbortSignal;
}

/** A call that has been opened but not begun: its reply runs when it is read. */
export interface OpenCall<Name extends OperationName> {
  readonly call: Call<Name>;
  readonly reply: Reply<Name>;
  /** Ends the call now: the signal fires with this reason (default `client_closed`). Idempotent. */
  cancel(reason?: GatewayError): void;
}

/** A message as code writes it: text may stand for a single text part. */
export type MessageInput = Omit<Message, "content"> & { readonly content: string | readonly Part[] };

/** A chat request as code writes it: a message's content may be a string. */
export type ChatInput = Omit<ChatRequest, "messages" | "stream"> & { readonly messages: readonly MessageInput[] };

/** What a call from code may say besides its request. */
export interface SdkOptions extends CallOptions {
  readonly signal?: AbortSignal;
  readonly principal?: Principal;
}

/** Events as they happen; `result` resolves when the stream has been read to its end. */
export interface ChatStream extends AsyncIterable<Exclude<ChatEvent, { readonly type: "frame" }>> {
  readonly result: Promise<ChatResult>;
}

/** Asks a model: whole by calling it, as events by `stream`. Failures are `GatewayError`s. */
export interface ChatFunction {
  (input: ChatInput, options?: SdkOptions): Promise<ChatResult>;
  stream(input: ChatInput, options?: SdkOptions): ChatStream;
}

/** Texts to turn into vectors, as code writes them. */
export interface EmbedInput {
  readonly model: string;
  readonly input: string | readonly string[];
  readonly dimensions?: number;
}

/** What one deployment would be sent. */
export interface ExplainedAttempt {
  readonly deployment: string;
  readonly provider: string;
  readonly model: string;
  readonly lane?: "native" | "translated";
  readonly droppedParams: readonly string[];
  /** Secrets masked. Undefined when the provider does not use the gateway's transport, or when it refuses the request. */
  readonly request?: {
    readonly method: string;
    /** Only path and query for a caller who is no administrator. */
    readonly url: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: unknown;
  };
  readonly error?: { readonly code: ErrorCode; readonly message: string };
}

/** What would happen to a call: who would be tried and sent what, who would not be and why. */
export interface Explanation {
  readonly operation: OperationName;
  readonly model: string;
  readonly principal: string;
  /** In the order in which they would be tried. */
  readonly attempts: readonly ExplainedAttempt[];
  readonly skipped: readonly Skip[];
  /** How the model was chosen, and the like. */
  readonly notes: readonly { readonly stage: string; readonly text: string }[];
  /** Layers that the call would pass, from the outside in. */
  readonly layers: readonly { readonly stage: Stage; readonly plugin: string; readonly name: string }[];
}

/** A model that a caller can ask for. */
export interface CatalogModel {
  readonly name: string;
  readonly provider: string;
  /** Epoch seconds, where the provider tells. */
  readonly createdAt?: number;
}

/** Whether the gateway may get work: all components are well, or which is not. */
export interface HealthReport {
  readonly ok: boolean;
  readonly components: readonly ({ readonly name: string } & Health)[];
}

/** A change to the deployments of a running gateway. */
export interface DeploymentChange {
  /** Added, or put in the place of the one with the same id. */
  readonly put?: readonly Deployment[];
  /** Ids. */
  readonly remove?: readonly string[];
}

/** A running gateway. */
export interface Gateway {
  readonly plugins: readonly string[];
  readonly providers: readonly Provider[];
  readonly dialects: readonly Dialect[];
  readonly routes: readonly ResourceRoute[];
  /** By the names of their plugins, in the order in which they are asked. */
  readonly caches: ReadonlyMap<string, Cache>;
  readonly models: ModelTable;
  /**
   * Serves these deployments from now on, all or nothing: they are checked as at start, and so are the aliases,
   * selectors and fallbacks that name their models. One with the id of another replaces it. Running calls end at the
   * deployments they have.
   *
   * @throws {GatewayError} as `createGateway`
   */
  changeDeployments(change: DeploymentChange): void;
  readonly authenticator: Authenticator;
  /** Opens a call. Never throws: what is wrong with it comes out of the reply. */
  open<Name extends OperationName>(input: CallInput<Name>): OpenCall<Name>;
  /** Runs a call to its result. */
  run<Name extends OperationName>(input: CallInput<Name>): Promise<ResultOf<Name>>;
  readonly chat: ChatFunction;
  embed(input: EmbedInput, options?: SdkOptions): Promise<EmbedResult>;
  /** What would happen, without sending anything. */
  explain<Name extends OperationName>(input: CallInput<Name>): Promise<Explanation>;
  /** Asks the deployment's provider for its models. Empty when the provider has no listing. */
  listModels(deployment: Deployment, signal?: AbortSignal): Promise<readonly ListedModel[]>;
  /** The models a principal may use by name; wildcards are filled in with what their providers list. */
  catalog(principal: Principal): Promise<readonly CatalogModel[]>;
  health(): Promise<HealthReport>;
  /** Running calls. */
  readonly activeCalls: number;
  /** Set once `drain` or `close` has been called: readiness says no. */
  readonly draining: boolean;
  /** Refuses new calls with `draining`, waits for running ones up to `timeoutMs`, then ends them. */
  drain(timeoutMs?: number): Promise<void>;
  /** Drains, then closes plugins and transport in reverse order. */
  close(): Promise<void>;
}
