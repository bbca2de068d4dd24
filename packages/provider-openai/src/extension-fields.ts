import type { CallOptions } from "@signalbox/kernel";
import type { JsonEdits } from "@signalbox/kernel/http";
import {
  fieldError,
  optionalFlag,
  optionalList,
  optionalNumber,
  optionalObject,
  optionalText,
  optionalTexts,
} from "./field-error.ts";
import type { Json } from "./json.ts";

/** Members of a body that speak to the gateway. They never travel upstream. */
const OPTIONS: ReadonlySet<string> = new Set([
  "drop_params",
  "additional_drop_params",
  "allowed_openai_params",
  "fallbacks",
  "disable_fallbacks",
  "timeout",
  "num_retries",
  "cache",
  "guardrails",
  "tags",
  "priority",
  "extra_headers",
  "extra_body",
  "api_base",
  "api_key",
  "base_url",
  "custom_llm_provider",
  "mock_response",
  "mock_testing_fallbacks",
  "mock_timeout",
  "no-log",
]);

const PREFIX = "litellm_";

function isExtension(name: string): boolean {
  return OPTIONS.has(name) || name.startsWith(PREFIX);
}

/** What a body says to the gateway, taken apart from what it says to the model. */
export interface Extensions {
  /** The body for the model: without those members, with those of `extra_body`. */
  readonly body: Json;
  readonly options: CallOptions | undefined;
  /** What has to be done to the client's bytes for the same effect. */
  readonly edits: JsonEdits;
}

const NO_EDITS: JsonEdits = {};

/** @throws {GatewayError} `invalid_request` naming the field */
export function takeExtensions(body: Json): Extensions {
  let names: string[] | undefined;
  for (const name in body) {
    if (!isExtension(name)) continue;
    names ??= [];
    names.push(name);
  }
  const metadata = body["metadata"];
  const tagged = typeof metadata === "object" && metadata !== null && Array.isArray((metadata as Json)["tags"]);
  if (names === undefined && !tagged && typeof body["user"] !== "string")
    return { body, options: undefined, edits: NO_EDITS };
  if (names === undefined && !tagged) return { body, options: readOptions(body, []), edits: NO_EDITS };
  const rest: Record<string, unknown> = { ...body };
  const edits: Record<string, string | undefined> = {};
  for (const name of names ?? []) {
    delete rest[name];
    edits[name] = undefined;
  }
  const added = optionalObject(body, "extra_body");
  for (const name in added) {
    if (isExtension(name)) throw fieldError(`extra_body.${name}`, "outside of extra_body");
    rest[name] = added[name];
    edits[name] = JSON.stringify(added[name]);
  }
  // Upstreams take texts as metadata; tags are the gateway's, and the canonical request keeps them.
  if (tagged) {
    const { tags: _, ...others } = metadata as Json;
    edits["metadata"] = Object.keys(others).length === 0 ? undefined : JSON.stringify(others);
  }
  return { body: rest, options: readOptions(body, names ?? []), edits };
}

const SECOND_MS = 1_000;

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

function readOptions(body: Json, names: readonly string[]): CallOptions {
  const options: Mutable<CallOptions> = {};
  let others: Record<string, unknown> | undefined;
  for (const name of names) {
    switch (name) {
      case "drop_params":
        assign(options, "dropParams", optionalFlag(body, name));
        break;
      case "additional_drop_params":
        assign(options, "additionalDropParams", optionalTexts(body, name));
        break;
      case "allowed_openai_params":
        assign(options, "allowedParams", optionalTexts(body, name));
        break;
      case "fallbacks":
        assign(options, "fallbacks", fallbacks(body));
        break;
      case "disable_fallbacks":
        assign(options, "disableFallbacks", optionalFlag(body, name));
        break;
      case "timeout": {
        const seconds = optionalNumber(body, name);
        if (seconds !== undefined && seconds <= 0) throw fieldError(name, "a number of seconds above 0");
        if (seconds !== undefined) options.timeoutMs = seconds * SECOND_MS;
        break;
      }
      case "tags":
        break;
      case "litellm_session_id":
        assign(options, "sessionId", optionalText(body, name));
        break;
      case "litellm_trace_id":
        assign(options, "traceId", optionalText(body, name));
        break;
      case "extra_body":
        break;
      default:
        others ??= {};
        others[name] = body[name];
    }
  }
  const tags = [...(optionalTexts(body, "tags") ?? []), ...metadataTags(body)];
  if (tags.length > 0) options.tags = tags;
  if (typeof body["user"] === "string" && body["user"] !== "") options.endUserId = body["user"];
  if (others !== undefined) options.extensions = others;
  return options;
}

function assign<Name extends keyof CallOptions>(
  options: Mutable<CallOptions>,
  name: Name,
  value: CallOptions[Name] | undefined,
): void {
  if (value !== undefined) options[name] = value;
}

/** Model names; LiteLLM's clients also write `{ "model": … }`. */
function fallbacks(body: Json): readonly string[] | undefined {
  return optionalList(body, "fallbacks")?.map((value, at) => {
    if (typeof value === "string") return value;
    const model = typeof value === "object" && value !== null ? (value as Json)["model"] : undefined;
    if (typeof model !== "string") throw fieldError(`fallbacks[${at}]`, "the name of a model");
    return model;
  });
}

function metadataTags(body: Json): readonly string[] {
  const metadata = body["metadata"];
  if (typeof metadata !== "object" || metadata === null) return [];
  return optionalTexts(metadata as Json, "tags", "metadata.tags") ?? [];
}
