export type { ToolRule } from "./checks/tool-rules.ts";
export type { PersonalKind } from "./detectors/built-in.ts";
export { personalDetectors, secretDetectors } from "./detectors/built-in.ts";
export type { Detector } from "./detectors/detector.ts";
export { injectionDetector } from "./detectors/injection.ts";
export { keywordDetector } from "./detectors/keywords.ts";
export { mergedFinder } from "./detectors/merged-finder.ts";
export type { UserPattern } from "./detectors/user-pattern.ts";
export { guardrailRoutes } from "./guardrail-routes.ts";
export { guardrails } from "./guardrails.ts";
export type {
  Action,
  CommonOptions,
  DetectorOptions,
  GuardrailMode,
  GuardrailOptions,
  InjectionOptions,
  KeywordOptions,
  LanguageOptions,
  PatternOptions,
  PersonalOptions,
  SchemaOptions,
  SecretOptions,
  SizeOptions,
  ToolOptions,
} from "./options.ts";
