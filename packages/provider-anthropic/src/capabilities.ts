export type Effort = "low" | "medium" | "high" | "xhigh" | "max";

/** Values of `thinking.type`. */
export type ThinkingMode = "adaptive" | "between_tools" | "enabled" | "disabled";

/** What one model takes (Anthropic's model and "what's new" pages, and the Models API's `capabilities`). */
export interface ModelCapabilities {
  /** Also the default of `max_tokens`, which the API requires. */
  readonly maxOutputTokens: number;
  /**
   * `accepted`: temperature, top_p and top_k; `exclusive`: temperature or top_p, not both; `refused`: temperature other
   * than 1, top_p below 0.99 and any top_k are errors.
   */
  readonly sampling: "accepted" | "exclusive" | "refused";
  /** Empty: the model cannot think. */
  readonly thinking: readonly ThinkingMode[];
  /** `tool_choice` of type `any` or `tool`. */
  readonly forcedToolChoice: boolean;
  /** `output_config.format` and `strict` tools. */
  readonly structuredOutput: boolean;
  /** Values of `output_config.effort`, weakest first. */
  readonly efforts: readonly Effort[];
  /** Highest effort in these thinking modes. */
  readonly effortCaps?: { readonly [Mode in ThinkingMode]?: Effort };
  /** Takes `role: "system"` within `messages`. */
  readonly systemMessages: boolean;
  /** Most tokens of input and output together. Undefined: it depends on beta headers. */
  readonly contextWindow: number | undefined;
  /** Goes on from an assistant message at the end of the request (while it does not think). */
  readonly prefill: boolean;
  /** Takes images and PDF files. Undefined: it is not said. */
  readonly vision: boolean | undefined;
  /**
   * Shorter beginnings of a prompt are not cached, in tokens; 0: the model caches nothing. Where Anthropic has changed the
   * number, the lowest: a breakpoint too early has no effect, one too late costs.
   */
  readonly cacheMinTokens: number;
}

interface Row extends ModelCapabilities {
  /** Families, as `modelFamily` writes them. */
  readonly families: readonly string[];
}

const ALL_EFFORTS: readonly Effort[] = ["low", "medium", "high", "xhigh", "max"];

const CURRENT: Omit<ModelCapabilities, "thinking"> = {
  maxOutputTokens: 128_000,
  sampling: "refused",
  forcedToolChoice: true,
  structuredOutput: true,
  efforts: ALL_EFFORTS,
  systemMessages: true,
  contextWindow: 1_000_000,
  prefill: false,
  vision: true,
  cacheMinTokens: 512,
};

const GENERATION_4_6: ModelCapabilities = {
  maxOutputTokens: 128_000,
  sampling: "exclusive",
  thinking: ["adaptive", "enabled", "disabled"],
  forcedToolChoice: true,
  structuredOutput: true,
  efforts: ["low", "medium", "high", "max"],
  systemMessages: false,
  contextWindow: 1_000_000,
  prefill: false,
  vision: true,
  cacheMinTokens: 1_024,
};

const GENERATION_4_5: ModelCapabilities = {
  maxOutputTokens: 64_000,
  sampling: "exclusive",
  thinking: ["enabled", "disabled"],
  forcedToolChoice: true,
  structuredOutput: true,
  efforts: [],
  systemMessages: false,
  contextWindow: 200_000,
  prefill: true,
  vision: true,
  cacheMinTokens: 1_024,
};

const OLDER: ModelCapabilities = { ...GENERATION_4_5, sampling: "accepted", structuredOutput: false };
const WITHOUT_THINKING: ModelCapabilities = { ...OLDER, maxOutputTokens: 8_192, thinking: [] };

/** The first row with the model's family holds. */
const ROWS: readonly Row[] = [
  {
    families: ["sonnet-5-5"],
    ...CURRENT,
    thinking: ["adaptive", "between_tools"],
    forcedToolChoice: false,
    effortCaps: { between_tools: "high" },
  },
  { families: ["opus-5-5"], ...CURRENT, thinking: ["adaptive"], forcedToolChoice: false },
  { families: ["haiku-5-5"], ...CURRENT, thinking: ["adaptive", "disabled"], effortCaps: { disabled: "high" } },
  { families: ["opus-5"], ...CURRENT, thinking: ["adaptive", "enabled", "disabled"], effortCaps: { disabled: "high" } },
  { families: ["fable-5-1", "fable-5-2"], ...CURRENT, thinking: ["adaptive"], forcedToolChoice: false },
  { families: ["fable-5"], ...CURRENT, thinking: ["adaptive"] },
  {
    families: ["opus-4-8", "sonnet-5"],
    ...CURRENT,
    thinking: ["adaptive", "enabled", "disabled"],
    cacheMinTokens: 1_024,
  },
  // the Models API says `enabled: false`; it does not know `role: system` yet
  {
    families: ["opus-4-7"],
    ...CURRENT,
    thinking: ["adaptive", "disabled"],
    systemMessages: false,
    cacheMinTokens: 2_048,
  },
  { families: ["opus-4-6"], ...GENERATION_4_6, cacheMinTokens: 4_096 },
  { families: ["sonnet-4-6"], ...GENERATION_4_6 },
  { families: ["opus-4-5"], ...GENERATION_4_5, efforts: ["low", "medium", "high"], cacheMinTokens: 4_096 },
  { families: ["haiku-4-5"], ...GENERATION_4_5, cacheMinTokens: 4_096 },
  { families: ["sonnet-4-5"], ...GENERATION_4_5, contextWindow: undefined },
  { families: ["opus-4-1"], ...GENERATION_4_5, maxOutputTokens: 32_000 },
  { families: ["opus-4", "opus-4-0"], ...OLDER, maxOutputTokens: 32_000 },
  { families: ["sonnet-4", "sonnet-4-0"], ...OLDER, contextWindow: undefined },
  { families: ["3-7-sonnet"], ...OLDER },
  { families: ["3-5-sonnet"], ...WITHOUT_THINKING },
  { families: ["3-5-haiku"], ...WITHOUT_THINKING, vision: undefined, cacheMinTokens: 2_048 },
  { families: ["3-opus", "3-sonnet"], ...WITHOUT_THINKING, maxOutputTokens: 4_096 },
  { families: ["3-haiku"], ...WITHOUT_THINKING, maxOutputTokens: 4_096, cacheMinTokens: 2_048 },
  { families: ["2-1"], ...WITHOUT_THINKING, maxOutputTokens: 4_096, vision: false, cacheMinTokens: 0 },
  {
    families: ["2", "2-0", "instant-1"],
    ...WITHOUT_THINKING,
    maxOutputTokens: 4_096,
    contextWindow: 100_000,
    vision: false,
    cacheMinTokens: 0,
  },
];

/** Models that no row names: newer than this table. */
const UNKNOWN: ModelCapabilities = {
  ...CURRENT,
  thinking: ["adaptive", "enabled", "disabled"],
  effortCaps: { disabled: "high" },
};

/**
 * The family in a model's name: `opus-4-1` in `claude-opus-4-1-20250805`, `claude-opus-4-1@20250805`,
 * `us.anthropic.claude-opus-4-1-20250805-v1:0` and `anthropic/claude-opus-4-1-latest`. Undefined for other vendors' names.
 */
export function modelFamily(model: string): string | undefined {
  const match = /(?:^|[./])claude-([a-z0-9.-]+?)(?:[-@](?:\d{8}|latest))?(?:[-@]v\d+(?::\d+)?)?(?:@default)?$/.exec(
    model.toLowerCase(),
  );
  return match?.[1]?.replaceAll(".", "-");
}

export function modelCapabilities(model: string): ModelCapabilities {
  return knownCapabilities(model) ?? UNKNOWN;
}

/** What the table says about a model, if it is there. */
export function knownCapabilities(model: string): ModelCapabilities | undefined {
  const family = modelFamily(model);
  if (family === undefined) return undefined;
  return ROWS.find((row) => row.families.some((name) => covers(name, family)));
}

/** Equal, or with a word behind it (`opus-4-6-fast`); a number behind it is another version. */
function covers(name: string, family: string): boolean {
  if (family === name) return true;
  return family.startsWith(`${name}-`) && !/^\d/.test(family.slice(name.length + 1));
}
