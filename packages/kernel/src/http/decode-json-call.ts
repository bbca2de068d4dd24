import type { IncomingHttpHeaders } from "node:http";
import type { Call } from "../call.ts";
import type { CacheBreakpoint } from "../chat/breakpoint.ts";
import type { Decoded, DialectRequest, ReplyEncoder } from "../dialect.ts";
import { GatewayError } from "../errors.ts";
import type { OperationName, RequestOf } from "../operation.ts";
import type { OwnField } from "./gateway-fields.ts";
import { takeGatewayFields } from "./gateway-fields.ts";
import type { JsonBody } from "./json-body.ts";
import type { JsonEdits } from "./json-edit.ts";
import type { JsonObject } from "./json-object.ts";
import { isJsonObject } from "./json-object.ts";

/** How a dialect reads and answers calls whose body is a JSON object. */
export interface JsonCall<Name extends OperationName> {
  /** The name of the dialect, by which providers know the client's bytes. */
  readonly dialect: string;
  /** Names, in lower case, of client headers that belong to the dialect; a provider passes on those that its host takes. */
  readonly headers: readonly string[];
  /** Members that look like the gateway's and are the dialect's. */
  readonly isOwn?: OwnField;
  /** `body` is without what was meant for the gateway. @throws {GatewayError} `invalid_request` naming the field */
  request(body: JsonObject, http: DialectRequest): RequestOf<Name>;
  /** See `NativeRequest.breakpointEdits`. */
  breakpointEdits?(
    body: JsonBody,
    request: RequestOf<Name>,
    breakpoints: readonly CacheBreakpoint[],
  ): JsonEdits | undefined;
  encoder(call: Call<Name>, body: JsonObject): ReplyEncoder<Name>;
}

const NONE: readonly string[] = [];
const NO_EDITS: JsonEdits = {};

/**
 * What a request with a JSON body means: the wishes to the gateway are taken out, the rest is the request, and the
 * client's bytes go along for the native lane.
 *
 * @throws {GatewayError} `invalid_request` naming the field
 */
export function decodeJsonCall<Name extends OperationName>(http: DialectRequest, rules: JsonCall<Name>): Decoded<Name> {
  const { body } = http;
  if (body === undefined) throw new GatewayError("invalid_request", "the request needs a JSON body");
  if (!isJsonObject(body.value)) throw new GatewayError("invalid_request", "the request body must be a JSON object");
  const { body: asked, options, edits } = takeGatewayFields(body.value, http.headers, rules.isOwn);
  // providers decide by what the body says, and that includes what was brought along
  const native = "extra_body" in edits ? { body: body.edited(edits, asked), edits: NO_EDITS } : { body, edits };
  const request = rules.request(asked, http);
  return {
    request,
    ...(options !== undefined && { options }),
    native: {
      dialect: rules.dialect,
      ...native,
      headers: namedHeaders(http.headers, rules.headers),
      breakpointEdits: rules.breakpointEdits && ((added) => rules.breakpointEdits?.(native.body, request, added)),
    },
    encoder: (call) => rules.encoder(call, asked),
  };
}

function namedHeaders(headers: IncomingHttpHeaders, names: readonly string[]): readonly string[] {
  let found: string[] | undefined;
  for (const name of names) {
    const value = headers[name];
    if (value === undefined) continue;
    found ??= [];
    found.push(name, Array.isArray(value) ? value.join(",") : value);
  }
  return found ?? NONE;
}
