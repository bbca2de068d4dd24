export { azureGuardrails } from "./azure-guardrails.ts";
export type { AzureGuardrailOptions, PromptShieldOptions, TextModerationOptions } from "./options.ts";
