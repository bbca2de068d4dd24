import type { Part } from "../chat/part.ts";
import type { ChatRequest } from "../chat/request.ts";
import type { OperationName, RequestOf } from "../operation.ts";

/** Where a text stands: in words, or inside of JSON that somebody wrote as text. */
type RequestTextKind = "text" | "arguments";

type Change = (text: string, kind: RequestTextKind) => string;

/**
 * A request with other texts: messages with tool calls and tool results, prompts, inputs, documents. Token ids, media
 * and `extra` stay. The same object when no text changed.
 */
export function mapRequestText<Name extends OperationName>(
  operation: Name,
  request: RequestOf<Name>,
  change: Change,
): RequestOf<Name> {
  return mapped(operation, request as unknown as AnyRequest, change) as unknown as RequestOf<Name>;
}

type AnyRequest = Readonly<Record<string, never>>;

function mapped(operation: OperationName, request: AnyRequest, change: Change): object {
  const text = (value: unknown): unknown => (typeof value === "string" ? change(value, "text") : value);
  switch (operation) {
    case "chat":
      return mapMember(
        mapMember(request, "messages", (messages) => mapMessages(messages as ChatRequest["messages"], change)),
        "tools",
        (tools) => mapList(tools as readonly object[], (tool) => mapTool(tool, change)),
      );
    case "countTokens":
      return mapMember(request, "chat", (chat) => mapped("chat", chat as AnyRequest, change));
    case "moderate":
      return mapMember(request, "inputs", (inputs) =>
        mapList(inputs as readonly (readonly Part[])[], (parts) => mapParts(parts, change)),
      );
    case "rerank":
      return mapMember(mapMember(request, "query", text), "documents", (documents) =>
        mapList(documents as readonly unknown[], (document) => mapStrings(document, change)),
      );
    default: {
      let result: object = request;
      for (const name of ["prompt", "text", "instructions", "suffix"]) result = mapMember(result, name, text);
      for (const name of ["prompts", "inputs"]) {
        result = mapMember(result, name, (list) => mapList(list as readonly unknown[], text));
      }
      return result;
    }
  }
}

function mapMessages(messages: ChatRequest["messages"], change: Change): ChatRequest["messages"] {
  return mapList(messages, (message) => mapMember(message, "content", (parts) => mapParts(parts, change)));
}

function mapParts(parts: readonly Part[], change: Change): readonly Part[] {
  return mapList(parts, (part) => mapPart(part, change));
}

function mapPart(part: Part, change: Change): Part {
  const text = (value: string | undefined): string | undefined => value && change(value, "text");
  switch (part.type) {
    case "text":
    case "refusal":
      return mapMember(part, "text", (value) => change(value, "text"));
    case "toolCall":
      return mapMember(part, "arguments", (value) => change(value, part.kind === "custom" ? "text" : "arguments"));
    case "toolResult":
      return mapMember(part, "content", (content) => mapParts(content, change));
    case "document": {
      const named = mapMember(mapMember(part, "title", text as never), "context", text as never);
      return mapMember(named, "source", (source) =>
        source.type === "text" ? mapMember(source, "text", (value) => change(value, "text")) : source,
      );
    }
    default:
      // Reasoning goes back as its vendor signed it; media and vendors' own blocks have no text that could be told.
      return part;
  }
}

/** What a tool says of itself; names, which calls refer to, stay. */
function mapTool(tool: object, change: Change): object {
  const described = mapMember(tool, "description" as never, (text) => change(text as string, "text"));
  return mapMember(described, "parameters" as never, (schema) => mapStrings(schema, change));
}

/** All strings in a value, at any depth. */
function mapStrings(value: unknown, change: Change): unknown {
  if (typeof value === "string") return change(value, "text");
  if (Array.isArray(value)) return mapList(value, (item) => mapStrings(item, change));
  if (typeof value !== "object" || value === null) return value;
  let result: object = value;
  for (const name of Object.keys(value)) result = mapMember(result, name, (member) => mapStrings(member, change));
  return result;
}

function mapMember<T extends object, Name extends string>(
  value: T,
  name: Name,
  change: (member: Name extends keyof T ? NonNullable<T[Name]> : unknown) => unknown,
): T {
  const before = (value as Record<string, unknown>)[name];
  if (before === undefined || before === null) return value;
  const after = change(before as never);
  return after === before ? value : { ...value, [name]: after };
}

function mapList<T>(list: readonly T[], change: (item: T) => unknown): readonly T[] {
  const result = list.map((item) => change(item) as T);
  return result.every((item, index) => item === list[index]) ? list : result;
}
