import type { CacheControl, ChatRequest, MediaSource, Message, Part, ToolResultPart, Trace } from "@signalbox/kernel";
import { GatewayError, textOf } from "@signalbox/kernel";
import { toolCallWire } from "./chat-parts.ts";
import { WIRE } from "./json.ts";
import type { ModelRules, WireProfile } from "./profile.ts";

type Wire = Record<string, unknown>;

interface Context {
  readonly profile: WireProfile;
  readonly rules: ModelRules;
  readonly trace: Trace;
  readonly origin: string;
}

/** The messages of a request for the wire. What the host cannot take is left out with a note in the trace. */
export function messagesWire(request: ChatRequest, profile: WireProfile, rules: ModelRules, trace: Trace): Wire[] {
  const context = { profile, rules, trace, origin: profile.reasoning?.origin ?? profile.name };
  const wire: Wire[] = [];
  // Images from tool results, for hosts that take them from users only. Tool messages must stay together.
  let waiting: Wire[] = [];
  for (const [at, message] of request.messages.entries()) {
    if (message.role === "tool") {
      waiting.push(...toolMessages(message, `messages[${at}]`, context, wire));
      continue;
    }
    if (waiting.length > 0) {
      wire.push({ role: "user", content: waiting });
      waiting = [];
    }
    wire.push(message.role === "assistant" ? assistant(message, at, context) : plain(message, at, context));
  }
  if (waiting.length > 0) wire.push({ role: "user", content: waiting });
  return wire;
}

function plain(message: Message, at: number, context: Context): Wire {
  for (const [index, part] of message.content.entries()) {
    // What a user says cannot be left out: the answer would be to something else.
    if (part.type !== "opaque" || part.origin === WIRE || part.origin === context.origin) continue;
    const type = JSON.stringify(part.value["type"]);
    throw refused(`messages[${at}].content[${index}]`, `content of type ${type} cannot be sent`, context);
  }
  return {
    role: roleOf(message, context.rules),
    content: contentWire(message.content, `messages[${at}].content`, context),
    ...(message.name !== undefined && { name: message.name }),
    ...message.extra?.[WIRE],
  };
}

function roleOf(message: Message, rules: ModelRules): string {
  const { role } = message;
  if (role !== "system" && role !== "developer") return role;
  return rules.instructions ?? role;
}

/** Text alone is a string, which every host takes; anything else a list of parts. */
function contentWire(parts: readonly Part[], path: string, context: Context): string | Wire[] {
  if (parts.every((part) => isPlainText(part, context.profile))) {
    if (parts.length === 1) return (parts[0] as { text: string }).text;
    if (parts.length === 0) return "";
  }
  const wire: Wire[] = [];
  for (const [at, part] of parts.entries()) {
    const value = partWire(part, `${path}[${at}]`, context);
    if (value !== undefined) wire.push(value);
  }
  return wire;
}

function isPlainText(part: Part, profile: WireProfile): boolean {
  if (part.type !== "text" || part.extra?.[WIRE] !== undefined) return false;
  return part.cacheControl === undefined || profile.cacheControl !== true;
}

export function cacheControlWire(control: CacheControl | undefined): Wire | undefined {
  if (control === undefined) return undefined;
  return { type: "ephemeral", ...(control.ttl !== undefined && { ttl: control.ttl }) };
}

function partWire(part: Part, path: string, context: Context): Wire | undefined {
  const value = bareWire(part, path, context);
  if (value === undefined) {
    context.trace.note("attempt", `${path}: a part of type ${part.type} was left out`);
    return undefined;
  }
  if (part.type !== "opaque") Object.assign(value, part.extra?.[WIRE]);
  if (part.cacheControl !== undefined && context.profile.cacheControl === true) {
    value["cache_control"] = cacheControlWire(part.cacheControl);
  }
  return value;
}

function bareWire(part: Part, path: string, context: Context): Wire | undefined {
  switch (part.type) {
    case "text":
      return { type: "text", text: part.text };
    case "refusal":
      return { type: "refusal", refusal: part.text };
    case "image":
      if (part.source.type === "file") return { type: "file", file: { file_id: part.source.fileId } };
      return {
        type: "image_url",
        image_url: { url: urlOf(part.source), ...(part.detail !== undefined && { detail: part.detail }) },
      };
    case "audio":
      if (part.source.type !== "data") throw refused(path, "sound must be sent as data", context);
      return { type: "input_audio", input_audio: { data: part.source.data, format: part.format ?? "wav" } };
    case "document":
      return documentWire(part, path, context);
    case "opaque":
      return part.origin === WIRE || part.origin === context.origin ? { ...part.value } : undefined;
    default:
      return undefined;
  }
}

function documentWire(part: Part & { readonly type: "document" }, path: string, context: Context): Wire {
  const { source } = part;
  switch (source.type) {
    case "text":
      return { type: "text", text: part.title === undefined ? source.text : `${part.title}\n\n${source.text}` };
    case "file":
      return { type: "file", file: { file_id: source.fileId } };
    case "data":
      return {
        type: "file",
        file: { filename: part.title ?? "document", file_data: `data:${source.mediaType};base64,${source.data}` },
      };
    case "url":
      throw refused(path, "documents must be sent as data or by file id, not by URL", context);
  }
}

function refused(path: string, why: string, context: Context): GatewayError {
  return new GatewayError("unsupported_parameter", `${path}: ${why} to provider "${context.profile.name}"`, {
    param: path,
    source: context.profile.name,
    retryable: true,
  });
}

function urlOf(source: Exclude<MediaSource, { readonly type: "file" }>): string {
  return source.type === "url" ? source.url : `data:${source.mediaType};base64,${source.data}`;
}

function assistant(message: Message, at: number, context: Context): Wire {
  const { profile } = context;
  const wire: Wire = { role: "assistant" };
  const prose: Part[] = [];
  const calls: Wire[] = [];
  let refusal = "";
  let thought = "";
  let details: unknown;
  for (const [index, part] of message.content.entries()) {
    switch (part.type) {
      case "toolCall":
        calls.push(toolCallWire(part));
        break;
      case "refusal":
        refusal += part.text;
        break;
      case "reasoning":
        // Another vendor's proofs mean nothing here; its bare text is not sent as this host's own.
        details ??= part.extra?.[WIRE]?.["reasoning_details"];
        if (part.origin === undefined || part.origin === context.origin) thought += part.text;
        break;
      case "audio":
        if (part.id !== undefined) wire["audio"] = { id: part.id };
        else if (part.transcript !== undefined) prose.push({ type: "text", text: part.transcript });
        break;
      case "text":
        prose.push(part);
        break;
      default:
        context.trace.note("attempt", `messages[${at}].content[${index}]: a part of type ${part.type} was left out`);
    }
  }
  // The texts of one answer are one string, as in this format's own answers.
  const joined = prose.every((part) => isPlainText(part, profile)) ? [{ type: "text", text: textOf(prose) }] : prose;
  const content = prose.length === 0 ? undefined : contentWire(joined as Part[], `messages[${at}].content`, context);
  wire["content"] = content ?? (calls.length > 0 || refusal !== "" ? (profile.emptyContent ?? null) : "");
  if (refusal !== "") wire["refusal"] = refusal;
  if (profile.reasoning?.echo === true && thought !== "")
    wire[profile.reasoning.field ?? "reasoning_content"] = thought;
  if (profile.reasoning?.details === true && details !== undefined) wire["reasoning_details"] = details;
  if (calls.length > 0) wire["tool_calls"] = calls;
  if (message.name !== undefined) wire["name"] = message.name;
  return Object.assign(wire, message.extra?.[WIRE]);
}

/** Writes one message per result; answers the images that must follow in a user message. */
function toolMessages(message: Message, path: string, context: Context, wire: Wire[]): Wire[] {
  const images: Wire[] = [];
  for (const part of message.content) {
    if (part.type === "toolResult") images.push(...toolMessage(part, message, path, context, wire));
  }
  return images;
}

function toolMessage(part: ToolResultPart, message: Message, path: string, context: Context, wire: Wire[]): Wire[] {
  const { profile, trace } = context;
  const images = part.content.filter((each) => each.type === "image" || each.type === "document");
  const inline = profile.toolImages === true || images.length === 0;
  const content = inline
    ? contentWire(part.content, `${path}.content`, context)
    : textOf(part.content) || "(see the following message)";
  if (part.isError === true) trace.note("attempt", `${path}: the error mark of a tool result was left out`);
  wire.push({ role: "tool", tool_call_id: part.toolCallId, content, ...message.extra?.[WIRE] });
  if (inline) return [];
  const label = { type: "text", text: `Result of tool call ${part.toolCallId}:` };
  return [
    label,
    ...images.map((image) => partWire(image, `${path}.content`, context)).filter((each) => each !== undefined),
  ];
}
