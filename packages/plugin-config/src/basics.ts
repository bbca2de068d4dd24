// What an application needs without a file too. The rest of the package brings the catalogue of all keys with it, which
// a start without a configuration should not pay for.
export { checkMasterKey, isLoopback, keyWeakness } from "./key-strength.ts";
export { masterKey } from "./master-key.ts";
export type { FoundModel } from "./model-string.ts";
export { findModel } from "./model-string.ts";
export { openAccess } from "./open-access.ts";
export type { ProviderCatalog } from "./provider-catalog.ts";
