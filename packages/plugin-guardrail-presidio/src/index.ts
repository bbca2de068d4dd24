export type { PresidioGuardrailOptions } from "./options.ts";
export { presidioGuardrails } from "./presidio-guardrails.ts";
