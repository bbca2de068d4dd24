import type { ChatRequest, FinishReason, Part, Usage } from "@signalbox/kernel";
import { GatewayError, textOf } from "@signalbox/kernel";
import type { Behaviour } from "./behaviour.ts";
import type { MockSettings, Script, ScriptedReply } from "./options.ts";
import { fixedChunks } from "./options.ts";
import { schemaInstance } from "./schema-instance.ts";
import type { Cut } from "./text.ts";
import { countTokens, firstTokens } from "./text.ts";
import { forcedToolCall, writtenToolCalls } from "./tool-calls.ts";
import { inputTokens, outputTokens } from "./usage.ts";

/** What a mock model says to a request, and how it is cut when streamed. */
export interface Answer {
  readonly content: readonly Part[];
  readonly finishReason: FinishReason;
  readonly stopSequence?: string;
  readonly usage: Usage;
  readonly cut: Cut;
  readonly latencyMs: number;
  readonly gapMs: number;
}

type Said = Pick<Answer, "content" | "finishReason"> & { readonly stopSequence?: string; readonly cut?: Cut };

/** The answer to a request: the same one for the same request, unless a script is a function that says otherwise. */
export function answerChat(request: ChatRequest, behaviour: Behaviour, settings: MockSettings): Answer {
  const { latencyMs, gapMs } = settings;
  const script = behaviour.reply === undefined ? undefined : settings.scripts[behaviour.reply];
  const scripted = script === undefined ? undefined : readScript(script, request);
  const said = scripted === undefined ? compose(request, behaviour, settings) : sayScript(scripted);
  return {
    ...said,
    usage: scripted?.usage ?? usageOf(request, said.content),
    cut: said.cut ?? (behaviour.chunkCount === undefined ? settings.cut : { count: behaviour.chunkCount }),
    latencyMs: behaviour.slowMs ?? scripted?.latencyMs ?? latencyMs,
    gapMs: behaviour.gapMs ?? scripted?.gapMs ?? gapMs,
  };
}

function compose(request: ChatRequest, behaviour: Behaviour, settings: MockSettings): Said {
  if (behaviour.reply === undefined && behaviour.chunkCount !== undefined) {
    const pieces = fixedChunks(settings, behaviour.chunkCount);
    return { ...sayText(pieces.join(""), request), cut: { pieces } };
  }
  if (behaviour.reply === "fixed") return sayText(settings.fixedText, request);
  if (behaviour.reply === "refusal") {
    return { content: [{ type: "refusal", text: "The mock provider refuses to answer." }], finishReason: "stop" };
  }
  const echo = sayEcho(request);
  if (behaviour.reply !== "reasoning") return echo;
  const thought = `The user said ${JSON.stringify(lastText(request))}.`;
  const reasoning: Part = { type: "reasoning", text: thought, signature: "bW9jaw==", origin: "mock" };
  return { ...echo, content: [reasoning, ...echo.content] };
}

function sayEcho(request: ChatRequest): Said {
  const last = request.messages.at(-1);
  if (last?.role !== "tool") {
    const calls = writtenToolCalls(request, lastText(request));
    const forced = calls.length > 0 ? undefined : forcedToolCall(request);
    if (forced !== undefined) return { content: [forced], finishReason: "toolCalls" };
    if (calls.length > 0) return { content: calls, finishReason: "toolCalls" };
  }
  const { responseFormat } = request;
  if (responseFormat?.type === "jsonSchema") {
    return sayText(JSON.stringify(schemaInstance(responseFormat.schema)), request);
  }
  if (responseFormat?.type === "json") return sayText(JSON.stringify({ echo: lastText(request) }), request);
  return sayText(lastText(request), request);
}

/** Text as a model would end it: at the first stop sequence, or at the limit of tokens. */
function sayText(text: string, request: ChatRequest): Said {
  let end = text.length;
  let stopSequence: string | undefined;
  for (const sequence of request.stop ?? []) {
    const at = sequence === "" ? -1 : text.indexOf(sequence);
    if (at < 0 || at >= end) continue;
    end = at;
    stopSequence = sequence;
  }
  const stopped = text.slice(0, end);
  const limit = request.maxOutputTokens;
  if (limit !== undefined && countTokens(stopped) > limit) {
    return { content: [{ type: "text", text: firstTokens(stopped, limit) }], finishReason: "length" };
  }
  return {
    content: [{ type: "text", text: stopped }],
    finishReason: "stop",
    ...(stopSequence !== undefined && { stopSequence }),
  };
}

function readScript(script: Script, request: ChatRequest): ScriptedReply {
  const answer = typeof script === "function" ? script(request) : script;
  if (typeof answer === "string" || Array.isArray(answer)) return { content: answer };
  return answer as ScriptedReply;
}

function sayScript(reply: ScriptedReply): Said {
  const { content, pieces } = reply;
  const text = typeof content === "string" ? content : undefined;
  if (pieces !== undefined && pieces.join("") !== text) {
    throw new GatewayError("option_invalid", "mock(scripts): the pieces of a reply do not join to its content", {
      source: "mock",
    });
  }
  const parts: readonly Part[] = typeof content === "string" ? [{ type: "text", text: content }] : content;
  const calls = parts.some((part) => part.type === "toolCall");
  return {
    content: parts,
    finishReason: reply.finishReason ?? (calls ? "toolCalls" : "stop"),
    ...(pieces !== undefined && { cut: { pieces } }),
  };
}

/** Text of the last message that has something to answer: the user's, or the results of tools. */
function lastText(request: ChatRequest): string {
  const message = request.messages.findLast(({ role }) => role === "user" || role === "tool");
  if (message === undefined) return "";
  if (message.role === "user") return textOf(message.content);
  return message.content.map((part) => (part.type === "toolResult" ? textOf(part.content) : "")).join("\n");
}

function usageOf(request: ChatRequest, content: readonly Part[]): Usage {
  const choices = request.choiceCount ?? 1;
  const thoughts = content.reduce((sum, part) => (part.type === "reasoning" ? sum + countTokens(part.text) : sum), 0);
  return {
    inputTokens: inputTokens(request),
    outputTokens: outputTokens(content) * choices,
    ...(thoughts > 0 && { reasoningTokens: thoughts * choices }),
  };
}
