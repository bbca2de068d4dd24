import type { Ledger, Principal, Scope, StoredRecord } from "@signalbox/kernel";
import { formatUsd, GatewayError } from "@signalbox/kernel";
import type { Identities, Identity } from "../auth/identity.ts";
import type { KeyHasher } from "../auth/key-hash.ts";
import type { KeyPolicy } from "../key-policy.ts";
import type { Collections } from "../records/collections.ts";
import type { AuditRecord, History } from "../records/records.ts";
import type { Actor } from "./actor.ts";

/** What a change did to one record; undefined before: made; undefined after: deleted. */
export interface Change {
  readonly action: string;
  readonly table: string;
  readonly id: string;
  readonly before: StoredRecord | undefined;
  readonly after: StoredRecord | undefined;
}

/** Never shown, not even in the log. */
const HIDDEN: ReadonlySet<string> = new Set(["hash"]);

/** What all management routes share. */
export class Management {
  readonly collections: Collections;
  readonly identities: Identities;
  readonly hasher: KeyHasher;
  readonly identityOf: (principal: Principal) => Identity | undefined;
  readonly policy: KeyPolicy;
  readonly #ledger: Ledger | undefined;
  readonly #nextId: () => string;

  constructor(parts: {
    readonly collections: Collections;
    readonly identities: Identities;
    readonly hasher: KeyHasher;
    readonly identityOf: (principal: Principal) => Identity | undefined;
    readonly ledger: Ledger | undefined;
    readonly nextId: () => string;
    readonly policy: KeyPolicy;
  }) {
    this.collections = parts.collections;
    this.identities = parts.identities;
    this.hasher = parts.hasher;
    this.identityOf = parts.identityOf;
    this.policy = parts.policy;
    this.#ledger = parts.ledger;
    this.#nextId = parts.nextId;
  }

  nextId(prefix: string): string {
    return `${prefix}${this.#nextId()}`;
  }

  /** All of it happens and is logged, or none. */
  async write<Result>(body: () => Promise<Result>): Promise<Result> {
    return await this.collections.store.transaction(body);
  }

  /** Within `write`. */
  async log(actor: Actor, { action, table, id, before, after }: Change): Promise<void> {
    const entry: AuditRecord = {
      id: this.#nextId(),
      updated_at: new Date().toISOString(),
      changed_by: actor.userId ?? actor.id,
      changed_with: actor.id,
      changed_for: actor.changedFor,
      action,
      table_name: table,
      object_id: id,
      before_value: before === undefined ? null : shown(before),
      updated_values: after === undefined ? null : shown(after),
    };
    await this.collections.audit.insert(entry);
  }

  /** What a scope has spent in US dollars; null where no ledger says it. */
  async spend(scope: Scope): Promise<number | null> {
    if (this.#ledger === undefined) return null;
    return Number(formatUsd((await this.#ledger.spent({ scope })).billed));
  }
}

/** A record as it may be seen. */
export function shown(record: StoredRecord): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).filter(([name]) => !HIDDEN.has(name)));
}

/** When and by whom a new record was made. */
export function made(actor: Actor): History {
  const now = new Date().toISOString();
  const by = actor.userId ?? actor.id;
  return { created_at: now, created_by: by, updated_at: now, updated_by: by };
}

/** When and by whom a record was changed. */
export function changed(actor: Actor): Pick<History, "updated_at" | "updated_by"> {
  return { updated_at: new Date().toISOString(), updated_by: actor.userId ?? actor.id };
}

/** @throws {GatewayError} `not_found` */
export function existing<Item>(item: Item | undefined, what: string): Item {
  if (item === undefined) throw new GatewayError("not_found", `there is no such ${what}`);
  return item;
}
