/** What is known about a model. A missing fact is unknown, not "no". */
export interface ModelFacts {
  readonly maxInputTokens?: number;
  readonly maxOutputTokens?: number;
  readonly supportsVision?: boolean;
  readonly supportsAudioInput?: boolean;
  readonly supportsPdfInput?: boolean;
  readonly supportsFunctionCalling?: boolean;
  readonly supportsResponseSchema?: boolean;
  readonly supportsReasoning?: boolean;
  readonly supportsPromptCaching?: boolean;
  /** Most prompt-cache breakpoints (`cacheControl`) in a request. Missing: it takes none, or caches by itself. */
  readonly promptCacheBreakpoints?: number;
  /** Shorter beginnings of a prompt are not kept, whatever breakpoints say. Tokens. */
  readonly promptCacheMinTokens?: number;
  /** Goes on from an assistant message at the end of the request. */
  readonly supportsAssistantPrefill?: boolean;
  /** US dollars. */
  readonly inputCostPerToken?: number;
  /** US dollars. */
  readonly outputCostPerToken?: number;
}
