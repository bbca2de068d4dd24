export type { WebhookGuardrailOptions } from "./options.ts";
export { signature } from "./signature.ts";
export { webhookGuardrails } from "./webhook-guardrails.ts";
