import type { Extra, Message, Part, ToolResultPart } from "@signalbox/kernel";
import type { JsonObject } from "@signalbox/kernel/http";
import { fieldError, isJsonObject, optionalFlag, optionalObject, optionalText } from "@signalbox/kernel/http";
import { decodeCacheControl } from "./cache-control.ts";
import { THINKING_MEMBERS } from "./chat-blocks.ts";
import { sourceOf } from "./chat-parts.ts";
import type { ReplyContext } from "./chat-result.ts";
import { MESSAGE_MEMBERS, messageParts } from "./chat-result.ts";
import { otherMembers, textIn, WIRE } from "./json.ts";

/** Reasoning in a client's message: whose it is, is told by `thinking_blocks` or not at all. */
const CLIENT: ReplyContext = { profile: { name: "client", baseUrl: "" }, origin: undefined, audioFormat: undefined };

/** @throws {GatewayError} `invalid_request` naming message and member */
export function decodeMessages(value: unknown): readonly Message[] {
  if (!Array.isArray(value)) throw fieldError("messages", "an array of messages");
  if (value.length === 0) throw fieldError("messages", "an array of at least one message");
  const messages: Message[] = [];
  for (let at = 0; at < value.length; at++) {
    const message: unknown = value[at];
    const path = `messages[${at}]`;
    if (!isJsonObject(message)) throw fieldError(path, "an object");
    messages.push(decodeMessage(message, path, messages));
  }
  return messages;
}

function decodeMessage(message: JsonObject, path: string, before: readonly Message[]): Message {
  const { role } = message;
  switch (role) {
    case "system":
    case "developer":
    case "user": {
      const content = contentParts(message, path);
      if (content.length === 0 && message["content"] === undefined) throw contentError(path);
      return named(message, path, { role, content }, PLAIN_MEMBERS);
    }
    case "assistant":
      return assistantMessage(message, path);
    case "tool":
      return toolMessage(message, path);
    case "function":
      return functionMessage(message, path, before);
    default:
      throw fieldError(`${path}.role`, "one of system, developer, user, assistant, tool, function");
  }
}

const PLAIN_MEMBERS: ReadonlySet<string> = new Set(["role", "content", "name", "cache_control"]);
const TOOL_MEMBERS: ReadonlySet<string> = new Set([...PLAIN_MEMBERS, "tool_call_id", "is_error"]);
const ASSISTANT_MEMBERS: ReadonlySet<string> = new Set([...PLAIN_MEMBERS, ...MESSAGE_MEMBERS, ...THINKING_MEMBERS]);

function named(message: JsonObject, path: string, decoded: Message, known: ReadonlySet<string>): Message {
  const name = optionalText(message, "name", `${path}.name`);
  const others = otherMembers(message, known);
  if (name === undefined && others === undefined) return decoded;
  return {
    ...decoded,
    ...(name !== undefined && { name }),
    ...(others !== undefined && { extra: { [WIRE]: others } }),
  };
}

function contentError(path: string): Error {
  return fieldError(`${path}.content`, "a string or an array of parts");
}

/** The content of a message, with a breakpoint of the whole message put on its last part. */
function contentParts(message: JsonObject, path: string): readonly Part[] {
  const parts = partsOf(message["content"], path);
  const control = message["cache_control"];
  const last = parts.at(-1);
  if (control === undefined || control === null || last === undefined) return parts;
  const cacheControl = decodeCacheControl(control, `${path}.cache_control`);
  return cacheControl === undefined ? parts : [...parts.slice(0, -1), { ...last, cacheControl }];
}

function partsOf(content: unknown, path: string): readonly Part[] {
  if (typeof content === "string") return [{ type: "text", text: content }];
  if (content === null || content === undefined) return [];
  if (!Array.isArray(content)) throw contentError(path);
  return content.map((value: unknown, at) => decodePart(value, `${path}.content[${at}]`));
}

const PART_MEMBERS: ReadonlySet<string> = new Set([
  "type",
  "text",
  "refusal",
  "image_url",
  "input_audio",
  "file",
  "cache_control",
]);

function decodePart(value: unknown, path: string): Part {
  if (!isJsonObject(value)) throw fieldError(path, "an object");
  const part = barePart(value, path);
  if (part.type === "opaque") return part;
  const breakpoint = optionalObject(value, "prompt_cache_breakpoint", `${path}.prompt_cache_breakpoint`);
  const control = value["cache_control"] ?? breakpoint;
  const others = otherMembers(value, PART_MEMBERS);
  if (control === undefined && others === undefined) return part;
  const cacheControl = decodeCacheControl(control, `${path}.cache_control`);
  const extra: Extra | undefined = others === undefined ? undefined : { [WIRE]: others };
  return { ...part, ...(cacheControl !== undefined && { cacheControl }), ...(extra !== undefined && { extra }) };
}

function barePart(value: JsonObject, path: string): Part {
  switch (value["type"]) {
    case "text":
      if (typeof value["text"] !== "string") throw fieldError(`${path}.text`, "a string");
      return { type: "text", text: value["text"] };
    case "refusal":
      if (typeof value["refusal"] !== "string") throw fieldError(`${path}.refusal`, "a string");
      return { type: "refusal", text: value["refusal"] };
    case "image_url":
      return imagePart(value, path);
    case "input_audio":
      return soundPart(value, path);
    case "file":
      return filePart(value, path);
    default:
      if (typeof value["type"] !== "string") throw fieldError(`${path}.type`, "a string");
      // A part type of some host's own (video_url, document_url, …) is for that host to judge.
      return { type: "opaque", origin: WIRE, value };
  }
}

const DETAILS: ReadonlySet<unknown> = new Set(["auto", "low", "high", "original"]);

function imagePart(value: JsonObject, path: string): Part {
  const image = value["image_url"];
  const url = typeof image === "string" ? image : isJsonObject(image) ? image["url"] : undefined;
  if (typeof url !== "string") throw fieldError(`${path}.image_url.url`, "a string");
  const detail = isJsonObject(image) ? image["detail"] : undefined;
  const source = sourceOf(url);
  if (detail === undefined || detail === null) return { type: "image", source };
  if (!DETAILS.has(detail)) throw fieldError(`${path}.image_url.detail`, "one of auto, low, high, original");
  return { type: "image", source, detail: detail as "auto" | "low" | "high" | "original" };
}

function soundPart(value: JsonObject, path: string): Part {
  const sound = value["input_audio"];
  if (typeof sound === "string") {
    return { type: "audio", source: { type: "data", mediaType: "application/octet-stream", data: sound } };
  }
  const data = isJsonObject(sound) ? sound["data"] : undefined;
  const format = isJsonObject(sound) ? sound["format"] : undefined;
  if (typeof data !== "string") throw fieldError(`${path}.input_audio.data`, "a string");
  if (typeof format !== "string") throw fieldError(`${path}.input_audio.format`, "a string");
  return {
    type: "audio",
    source: { type: "data", mediaType: format === "mp3" ? "audio/mpeg" : `audio/${format}`, data },
    format,
  };
}

const DEFAULT_FILE_TYPE = "application/pdf";

function filePart(value: JsonObject, path: string): Part {
  const file = value["file"];
  if (!isJsonObject(file)) throw fieldError(`${path}.file`, "an object");
  const title = optionalText(file, "filename", `${path}.file.filename`);
  const data = optionalText(file, "file_data", `${path}.file.file_data`);
  const fileId = optionalText(file, "file_id", `${path}.file.file_id`);
  const named = title === undefined ? {} : { title };
  if (fileId !== undefined) return { type: "document", source: { type: "file", fileId }, ...named };
  if (data === undefined) throw fieldError(`${path}.file`, "an object with file_data or file_id");
  const source = sourceOf(data);
  if (source.type === "url" && !/^https?:/i.test(source.url)) {
    return { type: "document", source: { type: "data", mediaType: DEFAULT_FILE_TYPE, data }, ...named };
  }
  return { type: "document", source, ...named };
}

function assistantMessage(message: JsonObject, path: string): Message {
  const { content } = message;
  const text = typeof content === "string" || content === null || content === undefined;
  if (!text && !Array.isArray(content)) throw contentError(path);
  checkCalls(message, path);
  // Parts other than text are read here; everything beside the content as in replies.
  const beside = messageParts(text ? message : { ...message, content: null }, CLIENT).map((part) =>
    withCallId(part, path),
  );
  const listed = text ? [] : partsOf(content, path).map(thinkingAsReasoning);
  const at = beside.findIndex(({ type }) => type !== "reasoning");
  const parts = listed.length === 0 ? beside : beside.toSpliced(at < 0 ? beside.length : at, 0, ...listed);
  const control = message["cache_control"];
  const last = parts.at(-1);
  const cached =
    control === undefined || control === null || last === undefined
      ? parts
      : [...parts.slice(0, -1), { ...last, cacheControl: decodeCacheControl(control, `${path}.cache_control`) ?? {} }];
  return named(message, path, { role: "assistant", content: cached }, ASSISTANT_MEMBERS);
}

/** A legacy `function_call` has no id, and other vendors need one. */
function withCallId(part: Part, path: string): Part {
  if (part.type !== "toolCall" || part.id !== "") return part;
  const { extra: _, ...call } = part;
  return { ...call, id: `call_${path.replace(/\D/g, "")}` };
}

/** Mistral's `thinking` parts, and those of clients that copy Anthropic's. */
function thinkingAsReasoning(part: Part): Part {
  if (part.type !== "opaque" || part.value["type"] !== "thinking") return part;
  const text = textIn(part.value["thinking"]);
  return text === undefined ? part : { type: "reasoning", text };
}

function checkCalls(message: JsonObject, path: string): void {
  const calls = message["tool_calls"];
  if (calls === undefined || calls === null) return;
  if (!Array.isArray(calls)) throw fieldError(`${path}.tool_calls`, "an array");
  for (const [at, call] of (calls as unknown[]).entries()) {
    const place = `${path}.tool_calls[${at}]`;
    if (!isJsonObject(call)) throw fieldError(place, "an object");
    if (typeof call["id"] !== "string") throw fieldError(`${place}.id`, "a string");
    const kind = call["type"] === "custom" ? "custom" : "function";
    const target = call[kind];
    if (!isJsonObject(target)) throw fieldError(`${place}.${kind}`, "an object");
    if (typeof target["name"] !== "string") throw fieldError(`${place}.${kind}.name`, "a string");
  }
}

function toolMessage(message: JsonObject, path: string): Message {
  const id = message["tool_call_id"];
  if (typeof id !== "string") throw fieldError(`${path}.tool_call_id`, "a string");
  const isError = optionalFlag(message, "is_error", `${path}.is_error`);
  return toolResult(message, path, id, isError);
}

/** Role `function`, from before tools: its result belongs to the last call of that name. */
function functionMessage(message: JsonObject, path: string, before: readonly Message[]): Message {
  const { name } = message;
  if (typeof name !== "string") throw fieldError(`${path}.name`, "a string");
  for (const earlier of before.toReversed()) {
    const call = earlier.content.find((part) => part.type === "toolCall" && part.name === name);
    if (call?.type === "toolCall") return toolResult(message, path, call.id, undefined);
  }
  return toolResult(message, path, name, undefined);
}

function toolResult(message: JsonObject, path: string, toolCallId: string, isError: boolean | undefined): Message {
  const name = optionalText(message, "name", `${path}.name`);
  const control = decodeCacheControl(message["cache_control"], `${path}.cache_control`);
  const part: ToolResultPart = {
    type: "toolResult",
    toolCallId,
    ...(name !== undefined && { name }),
    content: partsOf(message["content"], path),
    ...(isError !== undefined && { isError }),
    ...(control !== undefined && { cacheControl: control }),
  };
  const others = otherMembers(message, TOOL_MEMBERS);
  return { role: "tool", content: [part], ...(others !== undefined && { extra: { [WIRE]: others } }) };
}
