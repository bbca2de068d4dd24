import type { Secret } from "@signalbox/kernel";
import type { JwtOptions } from "./jwt/jwt-options.ts";
import type {
  KeyBounds,
  KeyDefaults,
  KeyGenerationSettings,
  KeyPolicy,
  TeamDefaults,
  UserDefaults,
} from "./key-policy.ts";

/** Options of `keys`. */
export interface KeysOptions {
  /** Keys that may do everything. */
  readonly masterKeys: readonly Secret[];
  /**
   * The server's own secret, at least 32 bytes: what the store holds of a key is worth nothing without it. All processes
   * of a gateway have the same one. The store remembers which it was: with another one every key would be unknown, so
   * the gateway does not start.
   */
  readonly pepper: Secret;
  /** The former pepper is lost: go on with this one, under which no key is known. Default false. */
  readonly replacePepper?: boolean;
  /** How long what is known of a key is used without asking again. Default 60,000. */
  readonly cacheTtlMs?: number;
  /** How long a known key keeps its rights while the store is out of reach. Default 300,000. */
  readonly cacheMaxAgeMs?: number;
  /** Most keys to remember. Default 100,000. */
  readonly cacheSize?: number;
  /** Longest wait for the store when a call comes in. Default 1,000. */
  readonly storeTimeoutMs?: number;
  /** Let callers in with tokens of an identity provider (OpenID Connect) too. */
  readonly jwt?: JwtOptions;
  /** Serve `/key/*`, `/team/*` and the like. Default true. */
  readonly management?: boolean;
  /** Models that a grant of this name stands for, besides the groups that the management API makes. */
  readonly modelGroups?: Readonly<Record<string, readonly string[]>>;
  /** IANA zone in which the days, weeks and months of budgets begin: that of the gateway's budgets. Default UTC. */
  readonly timezone?: string;
  /** What a new key has where the request says nothing. */
  readonly defaultKeyGenerateParams?: KeyDefaults;
  /** The most that any key can have, whoever makes it; also where nothing is asked for. */
  readonly upperboundKeyGenerateParams?: KeyBounds;
  /** What a new team has where the request says nothing. */
  readonly defaultTeamParams?: TeamDefaults;
  /** What a new user has where the request says nothing. */
  readonly defaultInternalUserParams?: UserDefaults;
  /** Who may make keys, and what they must say. */
  readonly keyGenerationSettings?: KeyGenerationSettings;
}

/** Options with their defaults filled in. */
export interface KeysSettings extends KeyPolicy {
  readonly masterKeys: readonly Secret[];
  readonly pepper: Secret;
  readonly replacePepper: boolean;
  readonly cacheTtlMs: number;
  readonly cacheMaxAgeMs: number;
  readonly cacheSize: number;
  readonly storeTimeoutMs: number;
  readonly management: boolean;
  readonly modelGroups?: Readonly<Record<string, readonly string[]>>;
  readonly jwt?: JwtOptions;
}
