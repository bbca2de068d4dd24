import type { CacheControl } from "./part.ts";

/** A prompt-cache breakpoint that is added to a chat request: behind a tool, or behind a part of a message. */
export type CacheBreakpoint = { readonly control: CacheControl } & (
  | { /** Index in `tools`. */ readonly tool: number }
  | {
      /** Index in `messages`. */ readonly message: number /** Index in the message's content. */;
      readonly part: number;
    }
);
