import type { Attempt, CallOptions, ChatRequest, Deployment, DialectRequest, Message } from "@signalbox/kernel";
import { JsonBody, parseJsonBody } from "@signalbox/kernel/http";
import { testAttempt } from "@signalbox/kernel/testkit";
import { modelCapabilities } from "../../src/capabilities.ts";
import type { EncodedRequest } from "../../src/chat-request.ts";
import { chatRequest } from "../../src/chat-request.ts";

export function userText(text: string): Message {
  return { role: "user", content: [{ type: "text", text }] };
}

export interface Encoded extends EncodedRequest {
  readonly attempt: Attempt<"chat">;
  readonly notes: readonly string[];
  readonly dropped: readonly string[];
}

/** What would be sent for a request to a model. */
export function encode(
  model: string,
  request: Partial<ChatRequest>,
  options: CallOptions = {},
  deployment: Partial<Deployment> = {},
): Encoded {
  const attempt = testAttempt({
    operation: "chat",
    request: { model, messages: [userText("Hi")], maxOutputTokens: 1000, ...request },
    options,
    deployment: { provider: "anthropic", ...deployment },
    transport: undefined as never,
  });
  const encoded = chatRequest(attempt, modelCapabilities(model));
  return {
    ...encoded,
    attempt,
    notes: (attempt.trace.notes ?? []).map(({ text }) => text),
    dropped: attempt.trace.droppedParams ?? [],
  };
}

/** A client's request as a surface hands it on. */
export function posted(path: string, body: unknown, headers: Record<string, string> = {}): DialectRequest {
  const parsed = typeof body === "string" ? parseJsonBody(Buffer.from(body)) : JsonBody.of(body);
  return { method: "POST", path, query: new URLSearchParams(), params: {}, headers, body: parsed };
}
