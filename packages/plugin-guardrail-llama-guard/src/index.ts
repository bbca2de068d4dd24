export { LLAMA_GUARD_CATEGORIES } from "./categories.ts";
export { llamaGuardrails } from "./llama-guardrails.ts";
export type { LlamaGuardrailOptions } from "./options.ts";
