export type { ImportedKey, ImportOptions } from "./import-hashes.ts";
export { importHashes } from "./import-hashes.ts";
export { keys } from "./keys.ts";
export type { KeysOptions } from "./options.ts";
