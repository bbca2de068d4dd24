import type { Call, Part, Tool } from "@signalbox/kernel";
import { isCall } from "@signalbox/kernel";
import type { WebhookGuardrailOptions } from "./options.ts";

/** What the service is sent: texts, and all that a decision may depend on. */
export function questionBody(
  call: Call,
  mode: "input" | "output",
  texts: readonly string[],
  options: WebhookGuardrailOptions,
): object {
  const requestHeaders = headersOf(call, options.forwardHeaders ?? []);
  return {
    texts,
    ...(mode === "input" && chatMembers(call)),
    request_data: requestData(call),
    ...(requestHeaders !== undefined && { request_headers: requestHeaders }),
    input_type: mode === "input" ? "request" : "response",
    litellm_call_id: call.id,
    ...(call.options.traceId !== undefined && { litellm_trace_id: call.options.traceId }),
    ...(options.params !== undefined && { additional_provider_specific_params: options.params }),
  };
}

/** Who asks; never the key. */
export function requestData(call: Call): object {
  const { id, alias, userId, teamId, organizationId, endUserId, kind } = call.principal;
  return defined({
    user_api_key_hash: kind === "key" ? id : undefined,
    user_api_key_alias: alias,
    user_api_key_user_id: userId,
    user_api_key_team_id: teamId,
    user_api_key_end_user_id: endUserId ?? call.options.endUserId,
    user_api_key_org_id: organizationId,
  });
}

/** Only those that are allowed. */
function headersOf({ native }: Call, names: readonly string[]): object | undefined {
  const list = native?.headers ?? [];
  const found: Record<string, string> = {};
  for (let at = 0; at < list.length; at += 2) {
    const name = (list[at] as string).toLowerCase();
    if (names.includes(name)) found[name] = list[at + 1] as string;
  }
  return Object.keys(found).length > 0 ? found : undefined;
}

/** Pictures, tools, calls of tools and the turns of a conversation. */
function chatMembers(call: Call): object {
  if (!isCall(call, "chat")) return {};
  const { messages, tools = [] } = call.request;
  const images = messages.flatMap(({ content }) => content.flatMap(imageOf));
  const calls = messages.flatMap(({ content }) => content.flatMap(toolCallOf));
  return {
    ...(images.length > 0 && { images }),
    ...(tools.length > 0 && { tools: tools.map(toolOf) }),
    ...(calls.length > 0 && { tool_calls: calls }),
    structured_messages: messages.map(({ role, content }) => ({ role, content: content.flatMap(wordsOf).join("\n") })),
  };
}

function imageOf(part: Part): readonly string[] {
  if (part.type === "toolResult") return part.content.flatMap(imageOf);
  if (part.type !== "image") return [];
  const { source } = part;
  if (source.type === "url") return [source.url];
  return source.type === "data" ? [`data:${source.mediaType};base64,${source.data}`] : [];
}

function wordsOf(part: Part): readonly string[] {
  if (part.type === "text" || part.type === "refusal") return [part.text];
  return part.type === "toolResult" ? part.content.flatMap(wordsOf) : [];
}

function toolCallOf(part: Part): readonly object[] {
  if (part.type !== "toolCall") return [];
  return [{ id: part.id, type: "function", function: { name: part.name, arguments: part.arguments } }];
}

function toolOf(tool: Tool): object {
  if (tool.type === "server") return { type: tool.name ?? "server" };
  const { name, description } = tool;
  const parameters = tool.type === "function" ? tool.parameters : undefined;
  return { type: "function", function: defined({ name, description, parameters }) };
}

function defined(members: Readonly<Record<string, unknown>>): object {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}
