/** A place for a breakpoint. */
export type CachePoint = {
  /** How long the provider keeps what stands before it. Default: the plugin's `ttl`. */
  readonly ttl?: "5m" | "1h";
} & (
  | { /** Behind the last tool. */ readonly location: "tools" }
  | {
      /** Behind a message: the one at `index`, else all of the role, the latest first. */
      readonly location: "message";
      /** `system` also means `developer`. */
      readonly role?: "system" | "developer" | "user" | "assistant" | "tool";
      /** Among all messages, or those of `role`; from the end where it is negative. */
      readonly index?: number;
    }
);

/** What `promptCaching` takes. A deployment's `info.cacheControlInjectionPoints` replaces `points`. */
export interface PromptCachingOptions {
  /**
   * Where breakpoints go, the most important first. `auto` (the default): behind the system prompt, at the end of this
   * request and of the one before it, once there is an answer between them, and behind the tools. `[]`: nowhere.
   */
  readonly points?: "auto" | readonly CachePoint[];
  /** How long a provider keeps what stands before a breakpoint. Default: as it does without being told, five minutes. */
  readonly ttl?: "5m" | "1h";
}
