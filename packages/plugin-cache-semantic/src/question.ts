import type { Call, ChatRequest, Message } from "@signalbox/kernel";
import { canonicalDigest, clientWords, effectiveParts } from "@signalbox/kernel";

/** What is compared by meaning, and everything else, which is compared exactly. */
export interface Question {
  readonly text: string;
  /** A digest of tenant, model, parameters, tools, system prompt, earlier turns and media. */
  readonly bucket: string;
}

/** Of a chat whose last turn is the user's and has words. Undefined: nothing of the call is compared by meaning. */
export function questionOf(call: Call): Question | undefined {
  if (call.operation !== "chat") return undefined;
  const request = call.request as ChatRequest;
  const last = request.messages.at(-1);
  if (last?.role !== "user") return undefined;
  const texts = last.content.flatMap((part) => (part.type === "text" ? [part.text] : []));
  const text = texts.join("\n");
  if (text.trim() === "") return undefined;
  const rest = { ...request, messages: [...request.messages.slice(0, -1), withoutText(last)] };
  // where other turns say the same words, the canonical form tells which
  const words = without(clientWords(call), new Set(texts));
  return { text, bucket: canonicalDigest([effectiveParts(call, rest), words]) };
}

/** The places of texts count, their words do not. */
function withoutText(message: Message): Message {
  return { ...message, content: message.content.map((part) => (part.type === "text" ? { ...part, text: "" } : part)) };
}

function without(value: unknown, texts: ReadonlySet<string>): unknown {
  if (typeof value === "string") return texts.has(value) ? "" : value;
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => without(item, texts));
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, without(member, texts)]));
}
