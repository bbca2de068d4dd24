export { lakeraGuardrails } from "./lakera-guardrails.ts";
export type { LakeraGuardrailOptions } from "./options.ts";
