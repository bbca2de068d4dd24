import type { FindContext, Finding, FindingAction, GuardrailRuns } from "@signalbox/kernel";
import type { ToolRule } from "./checks/tool-rules.ts";
import type { PersonalKind } from "./detectors/built-in.ts";
import type { Detector } from "./detectors/detector.ts";
import type { UserPattern } from "./detectors/user-pattern.ts";

/**
 * When a guardrail of text works. `before`: requests, before the call. `during`: requests, beside the call. `after`: replies.
 * `log`: both, and only says in the trace what it would do. Default: `before` and `after`.
 */
export type GuardrailMode = "before" | "during" | "after" | "log";

/** What all guardrails of this package can be told. */
export interface CommonOptions {
  /** Unique in the gateway: by it callers turn it on or off. */
  readonly name: string;
  /** For which calls. Default: for all. */
  readonly runs?: GuardrailRuns;
  readonly mode?: GuardrailMode | readonly GuardrailMode[];
  /** Only says in the trace what it would do. */
  readonly dryRun?: boolean;
}

/** What becomes of what is found. */
export type Action = FindingAction | ((finding: Finding, context: FindContext) => FindingAction);

interface TextOptions extends CommonOptions {
  /** Default `block`. */
  readonly action?: Action;
  /** What stands in the place of a masked piece. Default: its kind, `[EMAIL]`. */
  readonly mask?: (value: string, finding: Finding) => string;
  /**
   * Masked pieces of requests come back in the reply: only the model does not see them. With a `key`, all processes make the
   * same placeholders.
   */
  readonly reversible?: boolean | { readonly key: string };
  /** Whether a refusal says what was found. Default true. */
  readonly reasons?: boolean;
  /** Findings that are less sure are passed over, 0 to 1. Default 0. */
  readonly minConfidence?: number;
}

/** Personal data. */
export interface PersonalOptions extends TextOptions {
  readonly type: "personal";
  /** Default: all. */
  readonly kinds?: readonly PersonalKind[];
}

/** Keys, tokens, passwords, private keys. */
export interface SecretOptions extends TextOptions {
  readonly type: "secrets";
}

/** Words and phrases. */
export interface KeywordOptions extends TextOptions {
  readonly type: "keywords";
  readonly words?: readonly string[];
  /** Lists of words by topic, which is the kind of what is found. */
  readonly topics?: Readonly<Record<string, readonly string[]>>;
}

/** Expressions of the operator's own. */
export interface PatternOptions extends TextOptions {
  readonly type: "patterns";
  readonly patterns: readonly UserPattern[];
}

/** Detectors of somebody else. */
export interface DetectorOptions extends TextOptions {
  readonly type: "detectors";
  readonly detectors: readonly Detector[];
}

/** Attempts to take the model over, in requests. */
export interface InjectionOptions extends TextOptions {
  readonly type: "injection";
  /** From which score on a text counts, 0 to 1. Default 0.6. */
  readonly threshold?: number;
}

/** Bounds of requests. */
export interface SizeOptions extends CommonOptions {
  readonly type: "size";
  /** Of all texts of a request together. */
  readonly maxCharacters?: number;
  readonly maxMessages?: number;
}

/** Languages of requests. */
export interface LanguageOptions extends CommonOptions {
  readonly type: "languages";
  /** Those allowed: `["en", "de"]`. Others are refused where they are sure. */
  readonly allow: readonly string[];
}

/** Which tools may be offered and called, and with what. */
export interface ToolOptions extends CommonOptions {
  readonly type: "tools";
  /** The first rule that fits a call decides. */
  readonly rules: readonly ToolRule[];
  /** For tools that no rule fits. Default `allow`. */
  readonly otherwise?: "allow" | "deny";
}

/** Replies must fit the schema that the request asks for, or this one. */
export interface SchemaOptions extends CommonOptions {
  readonly type: "schema";
  /** Default: the one of the request's response format. */
  readonly schema?: Readonly<Record<string, unknown>>;
  /** Whether the model is asked once more. Default true. */
  readonly repair?: boolean;
}

/** One guardrail of the list that `guardrails` takes. */
export type GuardrailOptions =
  | PersonalOptions
  | SecretOptions
  | KeywordOptions
  | PatternOptions
  | DetectorOptions
  | InjectionOptions
  | SizeOptions
  | LanguageOptions
  | ToolOptions
  | SchemaOptions;
