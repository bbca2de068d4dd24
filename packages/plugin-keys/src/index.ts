export { keys } from "./keys.ts";
export type { KeysOptions } from "./options.ts";
