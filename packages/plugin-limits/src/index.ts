export { limits } from "./limits.ts";
export type { Limit, LimitsOptions, ModelLimits, TokenKind } from "./options.ts";
