import type { CanonicalChatEvent, ChatRequest, ChatResult } from "@signalbox/kernel";

/** One piece of a streamed answer, as it goes over the wire. */
export interface Frame {
  readonly bytes: Buffer;
  /** Carries a piece of the answer; the gap of a model stands between two of these. */
  readonly delta: boolean;
}

/** What went wrong, in words of both dialects. */
export interface WireError {
  readonly status: number;
  readonly message: string;
  /** OpenAI's `type`, `code` and `param`. */
  readonly type: string;
  readonly code: string | null;
  readonly param: string | null;
}

/** A dialect that the mock server speaks: its JSON written by hand, independent of the provider packages. */
export interface WireDialect {
  readonly contentType: "text/event-stream; charset=utf-8";
  /** @throws {TypeError} when the body has not the dialect's form */
  request(body: Readonly<Record<string, unknown>>): ChatRequest;
  result(result: ChatResult): string;
  frames(events: readonly CanonicalChatEvent[], body: Readonly<Record<string, unknown>>): readonly Frame[];
  error(error: WireError): string;
  errorFrame(error: WireError): Buffer;
}

export const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** An object without its undefined members. */
export function defined<T extends object>(members: { [Key in keyof T]: T[Key] | undefined }): T {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as T;
}
