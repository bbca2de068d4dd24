export { anthropic } from "./anthropic.ts";
export type { AnthropicOptions } from "./options.ts";
