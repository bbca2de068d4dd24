export { anthropic } from "./anthropic.ts";
export { anthropicDialects } from "./anthropic-dialects.ts";
export type { AnthropicOptions } from "./options.ts";
