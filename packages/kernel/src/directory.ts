import type { Scope } from "./ledger.ts";
import type { Principal } from "./principal.ts";

/** What is known of a key, a team, a user … beside its id. */
export interface Described {
  /** Name for people. */
  readonly alias?: string;
  /** A key as it may be shown: `sk-...abcd`. */
  readonly name?: string;
  readonly metadata?: Readonly<Record<string, unknown>>;
}

/** Who is who, and who may see whose spend. What keeps keys, teams and users contributes it under `DIRECTORY`. */
export interface Directory {
  /** The id of a key, by the key itself or by its id; undefined: there is none. */
  keyId(text: string): Promise<string | undefined>;
  keyIdOfAlias(alias: string): Promise<string | undefined>;
  /** Whether a principal may see everything. */
  seesAll(principal: Principal): boolean;
  /** Whether a principal may see what a scope has spent: its own, or one that it administers. */
  sees(principal: Principal, scope: Scope): Promise<boolean>;
  /** Those of one kind that are known; `key`, `team`, `user`, `organization`, `customer`. */
  describe(kind: Scope["kind"], ids: readonly string[]): Promise<ReadonlyMap<string, Described>>;
}
