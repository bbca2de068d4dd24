import type { Attempt, ChatParameter, ChatRequest, NativeRequest, Part } from "@signalbox/kernel";
import { CHAT_PARAMETERS } from "@signalbox/kernel";
import type { JsonObject } from "@signalbox/kernel/http";
import { isJsonObject } from "@signalbox/kernel/http";
import { listOf, objectOf, WIRE } from "./json.ts";
import { droppedParameters, effortFor } from "./parameters.ts";
import type { ModelRules, WireProfile } from "./profile.ts";
import type { WireConfig } from "./wire.ts";

/**
 * Whether the client's own bytes say to this host what the request means. Not when they use a member that carries
 * another vendor's content (signed thinking, error marks, cache breakpoints) and this host would refuse or misread it,
 * nor when this host has another word for what they say.
 */
export function saysTheSame(request: ChatRequest, profile: WireProfile, rules: ModelRules): boolean {
  const style = profile.reasoning?.request ?? "effort";
  const wish = request.reasoning;
  if (wish !== undefined && style === "effort" && (wish.mode !== undefined || wish.budgetTokens !== undefined))
    return false;
  if (request.responseFormat?.type === "jsonSchema" && profile.jsonSchema === false) return false;
  const origin = profile.reasoning?.origin ?? profile.name;
  for (const message of request.messages) {
    if (message.role === "developer" && rules.instructions === "system") return false;
    for (const part of message.content) {
      if (part.cacheControl !== undefined && profile.cacheControl !== true && !isBreakpoint(part)) return false;
      switch (part.type) {
        case "reasoning":
          if (part.extra?.[WIRE]?.["reasoning_details"] !== undefined) {
            if (profile.reasoning?.details !== true) return false;
          } else if (part.origin !== undefined && part.origin !== origin) return false;
          break;
        case "toolResult":
          if (part.isError === true) return false;
          if (profile.toolImages === false && part.content.some(({ type }) => type !== "text")) return false;
          break;
        case "serverTool":
        case "opaque":
          if (part.origin !== WIRE && part.origin !== origin) return false;
          break;
        default:
      }
    }
  }
  if (request.tools !== undefined && profile.cacheControl !== true) {
    for (const tool of request.tools) if (tool.type === "function" && tool.cacheControl !== undefined) return false;
  }
  return true;
}

/** Whether a client sends back content of other vendors, which no host of this format takes: see chat-blocks.ts. */
export function carriesBlocks({ body }: NativeRequest): boolean {
  for (const message of listOf(objectOf(body.value)?.["messages"])) {
    if (objectOf(objectOf(message)?.["provider_specific_fields"])?.["blocks"] !== undefined) return true;
  }
  return false;
}

/** OpenAI's own word for a cache breakpoint, which its clients write on parts. */
function isBreakpoint(part: Part): boolean {
  return part.extra?.[WIRE]?.["prompt_cache_breakpoint"] !== undefined;
}

/** The names under which a client may have written a field. */
const SPELLINGS: { readonly [Field in ChatParameter]?: readonly string[] } = {
  maxOutputTokens: ["max_tokens", "max_completion_tokens"],
  reasoning: ["reasoning_effort", "reasoning", "thinking"],
  tools: ["tools", "functions"],
  toolChoice: ["tool_choice", "function_call"],
};

export interface NativeBody {
  readonly body: Buffer;
  /** Usage was asked for by the gateway: the client must not see its chunk. */
  readonly hideUsage: boolean;
}

/** The client's bytes with the changes that the deployment needs; the same Buffer when it needs none. */
export function nativeChatBody(attempt: Attempt<"chat">, native: NativeRequest, config: WireConfig): NativeBody {
  const { profile } = config;
  const { request, deployment } = attempt;
  const rules = config.rulesOf(attempt.upstreamModel);
  const written = objectOf(native.body.value) ?? {};
  const changes: Record<string, string | undefined> = { ...native.edits };
  if (written["model"] !== attempt.upstreamModel) changes["model"] = JSON.stringify(attempt.upstreamModel);
  for (const field of droppedParameters(attempt, rules)) drop(field, written, changes);
  const effort = request.reasoning?.effort;
  if (effort !== undefined && "reasoning_effort" in written && !("reasoning_effort" in changes)) {
    const sent = effortFor(request.reasoning, rules);
    if (sent !== effort) changes["reasoning_effort"] = JSON.stringify(sent);
  }
  if (request.maxOutputTokens !== undefined) limitOutput(request.maxOutputTokens, written, profile, rules, changes);
  const hideUsage = request.stream === true && profile.streamOptions !== false && !wantsUsage(written);
  if (hideUsage) {
    const options = isJsonObject(written["stream_options"]) ? written["stream_options"] : undefined;
    changes["stream_options"] = JSON.stringify({ ...options, include_usage: true });
  }
  for (const name in profile.extraBody) {
    if (!(name in written)) changes[name] = JSON.stringify(profile.extraBody[name]);
  }
  for (const name in deployment.extraBody) changes[name] = JSON.stringify(deployment.extraBody[name]);
  const rename = renames(written, profile, rules);
  return { body: native.body.edit(changes, rename === undefined ? undefined : { rename }), hideUsage };
}

function drop(field: ChatParameter, written: JsonObject, changes: Record<string, string | undefined>): void {
  for (const name of SPELLINGS[field] ?? [CHAT_PARAMETERS[field]]) if (name in written) changes[name] = undefined;
}

/** A layer may have set or lowered the limit: then it goes upstream by the name that the host has for it. */
function limitOutput(
  most: number,
  written: JsonObject,
  profile: WireProfile,
  rules: ModelRules,
  changes: Record<string, string | undefined>,
): void {
  const { max_tokens: one, max_completion_tokens: other } = written;
  if (one === most || other === most) return;
  const name = rules.maxTokens ?? (other === undefined ? "max_tokens" : "max_completion_tokens");
  drop("maxOutputTokens", written, changes);
  changes[profile.rename?.[name] ?? name] = String(most);
}

function wantsUsage(written: JsonObject): boolean {
  return objectOf(written["stream_options"])?.["include_usage"] === true;
}

function renames(written: JsonObject, profile: WireProfile, rules: ModelRules): Record<string, string> | undefined {
  let rename: Record<string, string> | undefined = profile.rename === undefined ? undefined : { ...profile.rename };
  if (rules.maxTokens !== undefined) {
    const other = rules.maxTokens === "max_tokens" ? "max_completion_tokens" : "max_tokens";
    if (other in written) {
      rename ??= {};
      rename[other] = rename[rules.maxTokens] ?? rules.maxTokens;
    }
  }
  return rename;
}
