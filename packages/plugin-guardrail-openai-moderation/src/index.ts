export { moderationGuardrails } from "./moderation-guardrails.ts";
export type { ModerationGuardrailOptions } from "./options.ts";
