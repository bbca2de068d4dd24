export type { ImportedKey, ImportOptions } from "./import-hashes.ts";
export { importHashes } from "./import-hashes.ts";
export type { JwtClaims, JwtIssuer, JwtOptions, JwtRole } from "./jwt/jwt-options.ts";
export type { KeyBounds, KeyDefaults, KeyGenerationSettings, TeamDefaults, UserDefaults } from "./key-policy.ts";
export { keys } from "./keys.ts";
export type { KeysOptions } from "./options.ts";
export type { Bounds, ModelBudget, Role, RouterSettings } from "./records/records.ts";
