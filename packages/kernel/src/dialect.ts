import type { IncomingHttpHeaders } from "node:http";
import type { Call, CallOptions } from "./call.ts";
import type { GatewayError } from "./errors.ts";
import type { CatalogModel } from "./gateway.ts";
import type { JsonBody } from "./http/json-body.ts";
import type { NativeRequest } from "./native.ts";
import type { EventOf, OperationName, RequestOf, ResultOf } from "./operation.ts";
import type { Principal } from "./principal.ts";

/** A client's HTTP request after the surface has checked, authenticated and read it. */
export interface DialectRequest {
  readonly method: string;
  /** Path below the mount point, without query. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Values of `:name` in the route's path. */
  readonly params: Readonly<Record<string, string>>;
  readonly headers: IncomingHttpHeaders;
  /** Undefined for methods without a body, and for `multipart/form-data`. */
  readonly body: JsonBody | undefined;
  /** The body of a `multipart/form-data` request as it came; undefined for every other. */
  readonly form?: Buffer | undefined;
}

/** A whole HTTP response. */
export interface HttpReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | string;
  /** Of a resource: what follows the body, for answers of any length. Read as fast as the client takes it. */
  readonly rest?: AsyncIterable<string>;
}

/** What a client's request means. */
export interface Decoded<Name extends OperationName> {
  readonly request: RequestOf<Name>;
  readonly options?: CallOptions;
  /** Without `request`: the surface adds it. */
  readonly native?: Omit<NativeRequest, "request">;
  /** Makes the encoder once the call exists. */
  encoder(call: Call<Name>): ReplyEncoder<Name>;
}

/** Writes one reply as the client expects it. Stateful: one object per call. */
export interface ReplyEncoder<Name extends OperationName> {
  /** The client asked for server-sent events. */
  readonly streaming: boolean;
  /** More response headers: `request-id`, … */
  readonly headers?: Readonly<Record<string, string>>;
  /** The whole body of a reply that is not streamed. */
  result(result: ResultOf<Name>): HttpReply;
  /** The bytes for one event; undefined when the client sees nothing of it. */
  event(event: EventOf<Name>): Buffer | string | undefined;
  /** The last bytes of a stream. `eventsSeen` false: the reply had no events, so write all of the result. */
  end(result: ResultOf<Name>, eventsSeen: boolean): Buffer | string;
  /** A failure after the stream has begun; no bytes follow. */
  error(error: GatewayError): string;
  /** Sent on silence, between frames. */
  readonly heartbeat: string;
}

/** A route whose requests become calls of one operation. */
export interface CallRoute<Name extends OperationName = OperationName> {
  readonly kind: "call";
  readonly method: "POST";
  /** Below the mount point: `/v1/chat/completions`, `/engines/:model/chat/completions`. */
  readonly path: string;
  readonly operation: Name;
  /**
   * A promise only where reading takes time: multipart forms.
   *
   * @throws {GatewayError} `invalid_request` naming the field
   */
  decode(request: DialectRequest): Decoded<Name> | Promise<Decoded<Name>>;
}

/** What a resource route may ask of the gateway. */
export interface ResourceContext {
  readonly principal: Principal;
  /** The models this principal may use by name. */
  models(): Promise<readonly CatalogModel[]>;
  /** All resources that the gateway's plugins serve. */
  routes?(): readonly ResourceRoute[];
}

/** What a resource takes, for those who ask for a description of all. */
export interface RouteDescription {
  readonly summary: string;
  /** JSON Schema of the body. */
  readonly body?: Readonly<Record<string, unknown>>;
  /** JSON Schema of an object with the fields of the query. */
  readonly query?: Readonly<Record<string, unknown>>;
}

/** A route that is not a call: a listing, a management route. */
export interface ResourceRoute {
  readonly kind: "resource";
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly path: string;
  /** `caller`: any valid key. Checked on the matched route, before the body is read. */
  readonly access: "public" | "caller" | "admin";
  readonly description?: RouteDescription;
  /** Decides between dialects that share a path: `GET /v1/models`. The first that says yes wins. */
  when?(headers: IncomingHttpHeaders): boolean;
  handle(request: DialectRequest, context: ResourceContext): HttpReply | Promise<HttpReply>;
}

/** What a dialect serves: calls of an operation, or a resource. */
export type Route = { readonly [Name in OperationName]: CallRoute<Name> }[OperationName] | ResourceRoute;

/** How some client libraries speak: OpenAI Chat Completions, Anthropic Messages, … Pure: bytes in, bytes out. */
export interface Dialect {
  readonly name: string;
  readonly routes: readonly Route[];
  /** Every failure in this dialect's form. `requestId` is the call id. */
  encodeError(error: GatewayError, requestId: string): HttpReply;
}
