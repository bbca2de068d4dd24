export { bedrockGuardrails } from "./bedrock-guardrails.ts";
export type { AwsCredentials, BedrockGuardrailOptions } from "./options.ts";
