export type { SpendOptions } from "./options.ts";
export { spend } from "./spend.ts";
