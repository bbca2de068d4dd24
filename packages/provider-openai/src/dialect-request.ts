import type { HttpReply } from "@signalbox/kernel";

/** `user` is OpenAI's own member; it names the end customer to the gateway too. */
export function isOwnField(name: string): boolean {
  return name === "user";
}

/** Client headers that belong to this dialect or to a host that speaks it; a provider passes on those its host takes. */
export const CLIENT_HEADERS: readonly string[] = ["openai-beta", "http-referer", "x-title", "x-grok-conv-id"];

const JSON_HEADERS: Readonly<Record<string, string>> = { "content-type": "application/json" };

export function jsonReply(body: Buffer | string): HttpReply {
  return { status: 200, headers: JSON_HEADERS, body };
}
