import type { IncomingHttpHeaders } from "node:http";
import type { CallOptions } from "@signalbox/kernel";
import type { JsonEdits } from "@signalbox/kernel/http";
import { invalid } from "./decode-content.ts";
import type { JsonObject } from "./json-object.ts";
import { isObject } from "./json-object.ts";

type Options = { -readonly [Name in keyof CallOptions]: CallOptions[Name] };

/** Reads one wish; `before` are those that have been read already. */
type Reader = (value: unknown, name: string, before: CallOptions) => CallOptions;

/** What a request says to the gateway rather than to the model. */
export interface GatewayWishes {
  /** The body for the model: with the members of `extra_body`. Members for the gateway are still there. */
  readonly body: JsonObject;
  readonly options: CallOptions | undefined;
  /** Takes these members out of the body that travels on. */
  readonly edits: JsonEdits;
}

/** Members of the body that are meant for the gateway. */
const READERS: Readonly<Record<string, Reader>> = {
  drop_params: (value, name) => ({ dropParams: boolean(value, name) }),
  additional_drop_params: (value, name) => ({ additionalDropParams: strings(value, name) }),
  allowed_openai_params: (value, name) => ({ allowedParams: strings(value, name) }),
  timeout: (value, name) => ({ timeoutMs: seconds(value, name) }),
  fallbacks: (value, name) => ({ fallbacks: strings(value, name) }),
  disable_fallbacks: (value, name) => ({ disableFallbacks: boolean(value, name) }),
  user: (value, name) => ({ endUserId: string(value, name) }),
  litellm_trace_id: (value, name) => ({ traceId: string(value, name) }),
  litellm_session_id: (value, name) => ({ sessionId: string(value, name) }),
  tags: (value, name, before) => ({ tags: [...(before.tags ?? []), ...strings(value, name)] }),
};

/** Members that plugins read. Some would harm if they travelled on: addresses and keys. */
const EXTENSIONS: ReadonlySet<string> = new Set([
  "cache",
  "guardrails",
  "num_retries",
  "priority",
  "extra_headers",
  "api_base",
  "api_key",
  "base_url",
  "custom_llm_provider",
  "mock_response",
  "mock_testing_fallbacks",
  "mock_timeout",
  "no-log",
]);

/** Members that are added to the body; they do not travel on themselves. */
const EXTRA_BODY = "extra_body";

/** The same as headers, after `x-signalbox-` or `x-litellm-`. */
const HEADER_READERS: Readonly<Record<string, Reader>> = {
  timeout: (value, name) => ({ timeoutMs: seconds(Number(value), name) }),
  tags: (value, _name, before) => ({ tags: [...(before.tags ?? []), ...commaList(String(value))] }),
  "trace-id": (value, name) => ({ traceId: string(value, name) }),
  "session-id": (value, name) => ({ sessionId: string(value, name) }),
  "end-user-id": (value, name) => ({ endUserId: string(value, name) }),
  "customer-id": (value, name) => ({ endUserId: string(value, name) }),
};

/** Whether a member of the body is meant for the gateway. Anthropic's own `fallbacks` holds objects, ours names. */
export function isGatewayMember(name: string, value: unknown): boolean {
  if (EXTENSIONS.has(name) || name === EXTRA_BODY || name.startsWith("litellm_")) return true;
  if (!Object.hasOwn(READERS, name)) return false;
  return name !== "fallbacks" || (Array.isArray(value) && value.every((model) => typeof model === "string"));
}

/** @throws {GatewayError} `invalid_request` naming the member or header */
export function decodeOptions(body: JsonObject, headers: IncomingHttpHeaders): GatewayWishes {
  const options: Options = {};
  const edits: Record<string, string | undefined> = {};
  for (const name in body) {
    const value = body[name];
    if (!isGatewayMember(name, value)) continue;
    edits[name] = undefined;
    if (value === null || name === EXTRA_BODY) continue;
    const reader = Object.hasOwn(READERS, name) ? READERS[name] : extension;
    Object.assign(options, reader?.(value, name, options));
  }
  const added = addedMembers(body[EXTRA_BODY], edits);
  readMetadata(body.metadata, options, edits);
  for (const name in headers) {
    if (!name.startsWith("x-signalbox-") && !name.startsWith("x-litellm-")) continue;
    const value = headers[name];
    const wish = name.slice(name.indexOf("-", 2) + 1);
    if (value !== undefined && Object.hasOwn(HEADER_READERS, wish)) {
      Object.assign(options, HEADER_READERS[wish]?.(value, name, options));
    }
  }
  return {
    body: added === undefined ? body : { ...body, ...added },
    options: isEmpty(options) ? undefined : options,
    edits,
  };
}

function addedMembers(value: unknown, edits: Record<string, string | undefined>): JsonObject | undefined {
  if (value === undefined || value === null) return undefined;
  if (!isObject(value)) throw invalid(EXTRA_BODY, "must be an object");
  for (const name in value) {
    if (isGatewayMember(name, value[name])) throw invalid(`${EXTRA_BODY}.${name}`, "must stand outside of extra_body");
    edits[name] = JSON.stringify(value[name]);
  }
  return value;
}

/** Anthropic knows `user_id` alone and refuses other members; `tags` are for the gateway. */
function readMetadata(metadata: unknown, options: Options, edits: Record<string, string | undefined>): void {
  if (!isObject(metadata)) return;
  const { tags, ...rest } = metadata;
  if (tags === undefined) return;
  options.tags = [...(options.tags ?? []), ...strings(tags, "metadata.tags")];
  edits.metadata = isEmpty(rest) ? undefined : JSON.stringify(rest);
}

function isEmpty(object: object): boolean {
  for (const _name in object) return false;
  return true;
}

function extension(value: unknown, name: string, before: CallOptions): CallOptions {
  return { extensions: { ...before.extensions, [name]: value } };
}

function boolean(value: unknown, name: string): boolean {
  if (typeof value === "boolean") return value;
  throw invalid(name, "must be a boolean");
}

function string(value: unknown, name: string): string {
  if (typeof value === "string") return value;
  throw invalid(name, "must be a string");
}

function strings(value: unknown, name: string): readonly string[] {
  if (Array.isArray(value) && value.every((item) => typeof item === "string")) return value;
  throw invalid(name, "must be a list of strings");
}

function seconds(value: unknown, name: string): number {
  if (typeof value === "number" && Number.isFinite(value) && value > 0) return Math.ceil(value * 1000);
  throw invalid(name, "must be a positive number of seconds");
}

function commaList(value: string): readonly string[] {
  return value
    .split(",")
    .map((tag) => tag.trim())
    .filter((tag) => tag !== "");
}
