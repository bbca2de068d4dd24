import { hash } from "node:crypto";
import type { Call, ChatRequest, Message } from "@signalbox/kernel";
import { canonicalText, effectiveParts } from "@signalbox/kernel";

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
  const text = last.content.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("\n");
  if (text.trim() === "") return undefined;
  const rest = { ...request, messages: [...request.messages.slice(0, -1), withoutText(last)] };
  return { text, bucket: hash("sha256", canonicalText(effectiveParts(call, rest)), "base64url") };
}

/** The places of texts count, their words do not. */
function withoutText(message: Message): Message {
  return { ...message, content: message.content.map((part) => (part.type === "text" ? { ...part, text: "" } : part)) };
}
