import type { IncomingHttpHeaders } from "node:http";
import type { CallOptions } from "../call.ts";
import { GatewayError } from "../errors.ts";
import type { JsonEdits } from "./json-edit.ts";
import {
  fieldError,
  optionalFlag,
  optionalList,
  optionalNumber,
  optionalObject,
  optionalText,
  optionalTexts,
} from "./json-fields.ts";
import type { JsonObject } from "./json-object.ts";
import { isJsonObject } from "./json-object.ts";

/** What a request says to the gateway, taken apart from what it says to the model. */
export interface GatewayFields {
  /** The body for the model: without those members, with those of `extra_body`. */
  readonly body: JsonObject;
  readonly options: CallOptions | undefined;
  /** What has to be done to the client's bytes for the same effect. */
  readonly edits: JsonEdits;
}

/** Whether a member that is usually meant for the gateway belongs to the dialect itself, and stays in the body. */
export type OwnField = (name: string, value: unknown) => boolean;

type Options = { -readonly [Name in keyof CallOptions]: CallOptions[Name] };

/** Reads one wish; `from[name]` is its value. */
type Reader = (options: Options, from: JsonObject, name: string) => void;

const EXTRA_BODY = "extra_body";

/** Members of a body. What the kernel does not read itself goes to the plugins (`Plugin.extensions`). */
const MEMBERS: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ["drop_params", (options, from, name) => set(options, "dropParams", optionalFlag(from, name))],
  ["additional_drop_params", (options, from, name) => set(options, "additionalDropParams", optionalTexts(from, name))],
  ["allowed_openai_params", (options, from, name) => set(options, "allowedParams", optionalTexts(from, name))],
  ["timeout", (options, from, name) => lower(options, "timeoutMs", optionalNumber(from, name), name)],
  ["fallbacks", (options, from, name) => set(options, "fallbacks", modelNames(from, name))],
  ["disable_fallbacks", (options, from, name) => set(options, "disableFallbacks", optionalFlag(from, name))],
  ["tags", (options, from, name) => addTags(options, optionalTexts(from, name))],
  ["user", (options, from, name) => set(options, "endUserId", optionalText(from, name) || undefined)],
  ["litellm_trace_id", (options, from, name) => set(options, "traceId", optionalText(from, name))],
  ["litellm_session_id", (options, from, name) => set(options, "sessionId", optionalText(from, name))],
  [EXTRA_BODY, () => undefined],
  ["cache", extension],
  ["guardrails", extension],
  ["num_retries", extension],
  ["priority", extension],
  ["no-log", extension],
  ["api_base", denied],
  ["api_key", denied],
  ["base_url", denied],
  ["custom_llm_provider", denied],
  ["extra_headers", denied],
]);

/** The same as headers, after the prefix. Every other one is a wish to a plugin: `num-retries` is `num_retries`. */
const HEADERS: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ["timeout", (options, from, name) => lower(options, "timeoutMs", numberOf(from, name), name)],
  ["stream-timeout", (options, from, name) => lower(options, "streamTimeoutMs", numberOf(from, name), name)],
  ["tags", (options, from, name) => addTags(options, commaList(String(from[name])))],
  ["trace-id", (options, from, name) => set(options, "traceId", optionalText(from, name))],
  ["session-id", (options, from, name) => set(options, "sessionId", optionalText(from, name))],
  ["end-user-id", (options, from, name) => set(options, "endUserId", optionalText(from, name) || undefined)],
  ["customer-id", (options, from, name) => set(options, "endUserId", optionalText(from, name) || undefined)],
  ["num-retries", numberHeader],
  ["priority", numberHeader],
  // the surface has read it
  ["api-key", () => undefined],
]);

const HEADER_PREFIXES: readonly string[] = ["x-signalbox-", "x-litellm-"];

const NO_EDITS: JsonEdits = {};

/**
 * Takes what is meant for the gateway out of a request, the same way for every dialect (docs/gateway-fields.md). A
 * request without any of it costs a look at its names.
 *
 * @throws {GatewayError} `invalid_request` naming the member or header
 */
export function takeGatewayFields(
  body: JsonObject,
  headers: IncomingHttpHeaders,
  isOwn: OwnField = isNever,
): GatewayFields {
  let found = isTagged(body.metadata);
  for (const name in body) found ||= readerOf(name) !== undefined && !isOwn(name, body[name]);
  const members = found ? takeMembers(body, isOwn) : undefined;
  const rest = members?.body ?? body;
  let options = members?.options;
  if (typeof rest.user === "string" && rest.user !== "") options = { ...options, endUserId: rest.user };
  options = readHeaders(headers, options);
  return {
    body: rest,
    options: options === undefined || isEmpty(options) ? undefined : options,
    edits: members?.edits ?? NO_EDITS,
  };
}

function takeMembers(body: JsonObject, isOwn: OwnField): { body: JsonObject; options: Options; edits: JsonEdits } {
  const rest: Record<string, unknown> = {};
  const options: Options = {};
  const edits: Record<string, string | undefined> = {};
  for (const name in body) {
    const value = body[name];
    const reader = readerOf(name);
    if (reader === undefined || isOwn(name, value)) {
      rest[name] = value;
      continue;
    }
    edits[name] = undefined;
    if (value !== null) reader(options, body, name);
  }
  const added = optionalObject(body, EXTRA_BODY);
  for (const name in added) {
    const reader = readerOf(name);
    if (reader !== undefined && !isOwn(name, added[name])) {
      if (reader === denied) throw operatorsOnly(`${EXTRA_BODY}.${name}`);
      throw fieldError(`${EXTRA_BODY}.${name}`, `outside of ${EXTRA_BODY}`);
    }
    rest[name] = added[name];
    edits[name] = JSON.stringify(added[name]);
  }
  const { metadata } = rest;
  if (isTagged(metadata)) {
    // vendors take texts as metadata, or no other members at all: tags are the gateway's
    const { tags: _, ...others } = metadata;
    addTags(options, optionalTexts(metadata, "tags", "metadata.tags"));
    if (isEmpty(others)) delete rest.metadata;
    else rest.metadata = others;
    edits.metadata = isEmpty(others) ? undefined : JSON.stringify(others);
  }
  return { body: rest, options, edits };
}

function readHeaders(headers: IncomingHttpHeaders, before: Options | undefined): Options | undefined {
  let options = before;
  const cacheControl = headers["cache-control"];
  if (cacheControl !== undefined) options = { ...options, cacheControl };
  for (const name in headers) {
    if (!name.startsWith("x-")) continue;
    const prefix = HEADER_PREFIXES.find((each) => name.startsWith(each));
    if (prefix === undefined) continue;
    options ??= {};
    const wish = name.slice(prefix.length);
    const reader = HEADERS.get(wish);
    if (reader === undefined) addExtension(options, wish.replaceAll("-", "_"), headers[name]);
    else reader(options, headers, name);
  }
  return options;
}

function readerOf(name: string): Reader | undefined {
  const reader = MEMBERS.get(name);
  if (reader !== undefined) return reader;
  if (name.startsWith("mock_")) return denied;
  return name.startsWith("litellm_") || name.startsWith("signalbox_") ? extension : undefined;
}

function isNever(): boolean {
  return false;
}

function isTagged(metadata: unknown): metadata is JsonObject {
  return isJsonObject(metadata) && Array.isArray(metadata.tags);
}

function isEmpty(object: object): boolean {
  for (const _name in object) return false;
  return true;
}

function set<Name extends keyof Options>(options: Options, name: Name, value: Options[Name] | undefined): void {
  if (value !== undefined) options[name] = value;
}

function extension(options: Options, from: JsonObject, name: string): void {
  addExtension(options, name, from[name]);
}

function addExtension(options: Options, name: string, value: unknown): void {
  options.extensions ??= {};
  (options.extensions as Record<string, unknown>)[name] = value;
}

/** Where a call goes, with which credentials, and that it only pretends: not a client's to say. */
function denied(_options: Options, _from: JsonObject, name: string): never {
  throw operatorsOnly(name);
}

function operatorsOnly(path: string): GatewayError {
  return new GatewayError("invalid_request", `${path} is for the operator of this gateway to set, not for requests`, {
    param: path,
  });
}

function addTags(options: Options, tags: readonly string[] | undefined): void {
  if (tags !== undefined && tags.length > 0) options.tags = [...(options.tags ?? []), ...tags];
}

function lower(
  options: Options,
  limit: "timeoutMs" | "streamTimeoutMs",
  seconds: number | undefined,
  name: string,
): void {
  if (seconds === undefined) return;
  if (!Number.isFinite(seconds) || seconds <= 0) throw fieldError(name, "a number of seconds above 0");
  options[limit] = Math.min(Math.ceil(seconds * 1_000), options[limit] ?? Number.POSITIVE_INFINITY);
}

/** Names of models; LiteLLM's clients also write `{ "model": … }`. */
function modelNames(from: JsonObject, name: string): readonly string[] | undefined {
  return optionalList(from, name)?.map((item, at) => {
    const model = isJsonObject(item) ? item.model : item;
    if (typeof model !== "string") throw fieldError(`${name}[${at}]`, "the name of a model");
    return model;
  });
}

function numberHeader(options: Options, from: JsonObject, name: string): void {
  const wish = name.slice(name.indexOf("-", 2) + 1);
  addExtension(options, wish.replaceAll("-", "_"), numberOf(from, name));
}

/** A header's number. */
function numberOf(from: JsonObject, name: string): number {
  const text = String(from[name]).trim();
  const number = Number(text);
  if (text === "" || !Number.isFinite(number)) throw fieldError(name, "a number");
  return number;
}

function commaList(text: string): readonly string[] {
  return text
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
}
