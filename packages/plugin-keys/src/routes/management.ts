import type {
  Deployment,
  EntryStore,
  Ledger,
  ModelFacts,
  ModelTable,
  Pricing,
  Principal,
  SpendQuery,
  StoredRecord,
} from "@signalbox/kernel";
import { formatUsd, GatewayError } from "@signalbox/kernel";
import type { Period } from "@signalbox/kernel/ledger";
import { Periods } from "@signalbox/kernel/ledger";
import type { Identities, Identity } from "../auth/identity.ts";
import type { KeyHasher } from "../auth/key-hash.ts";
import type { KeyPolicy } from "../key-policy.ts";
import type { Collections } from "../records/collections.ts";
import type { AuditRecord, Bounds, History } from "../records/records.ts";
import type { Actor } from "./actor.ts";
import type { SettingReaders } from "./settings.ts";
import { unread } from "./settings.ts";

/** What management shows of the rest of the gateway. */
export interface Surroundings {
  readonly models: ModelTable;
  readonly facts: (deployment: Deployment) => ModelFacts;
  readonly pricing: Pricing | undefined;
  readonly entries: EntryStore | undefined;
  /** Settings of keys and teams that some plugin reads. */
  readonly settings: SettingReaders;
}

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
  readonly #ledger: () => Ledger | undefined;
  /** What there is of the gateway besides. */
  readonly surroundings: Surroundings;
  readonly #periods: Periods;
  readonly #running = new Map<string, Promise<void>>();
  readonly #nextId: () => string;

  constructor(parts: {
    readonly collections: Collections;
    readonly identities: Identities;
    readonly hasher: KeyHasher;
    readonly identityOf: (principal: Principal) => Identity | undefined;
    readonly ledger: () => Ledger | undefined;
    readonly nextId: () => string;
    readonly policy: KeyPolicy;
    readonly surroundings: Surroundings;
  }) {
    this.collections = parts.collections;
    this.identities = parts.identities;
    this.hasher = parts.hasher;
    this.identityOf = parts.identityOf;
    this.policy = parts.policy;
    this.#ledger = parts.ledger;
    this.surroundings = parts.surroundings;
    this.#periods = new Periods(parts.policy.timezone);
    this.#nextId = parts.nextId;
  }

  nextId(prefix: string): string {
    return `${prefix}${this.#nextId()}`;
  }

  get ledger(): Ledger | undefined {
    return this.#ledger();
  }

  /** One after the other, of those with the same name in this process. */
  async alone<Result>(name: string, body: () => Promise<Result>): Promise<Result> {
    const before = this.#running.get(name) ?? Promise.resolve();
    const mine = before.then(body);
    const settled = mine.then(
      () => {},
      () => {},
    );
    this.#running.set(name, settled);
    try {
      return await mine;
    } finally {
      if (this.#running.get(name) === settled) this.#running.delete(name);
    }
  }

  /** @throws {GatewayError} `unsupported_parameter` for what no plugin reads */
  checkSettings(settings: Readonly<Record<string, unknown>>): void {
    for (const name of Object.keys(settings)) if (!this.surroundings.settings.fields.has(name)) throw unread(name);
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

  /** What each of these has come to, in US dollars; nothing where no ledger says it. */
  async spentEach(queries: readonly SpendQuery[]): Promise<readonly number[]> {
    const { ledger } = this;
    if (ledger === undefined || queries.length === 0) return [];
    const spent = await (ledger.spentEach?.(queries) ?? Promise.all(queries.map((query) => ledger.spent(query))));
    return spent.map(({ billed }) => Number(formatUsd(billed)));
  }

  /** The period that a budget is in; undefined: it has none, or none that ends. */
  periodOf(bounds: Bounds, now: number): Period | undefined {
    const { budget_duration: duration } = bounds;
    if (!hasBudget(bounds) || duration === undefined || duration === null) return undefined;
    return this.#periods.periodOf({ duration }, now);
  }
}

export function hasBudget({ max_budget: limit, soft_budget: soft }: Bounds): boolean {
  return (limit !== undefined && limit !== null) || (soft !== undefined && soft !== null);
}

/** A record as it may be seen. */
export function shown(record: StoredRecord): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(record).flatMap(([name, value]) => {
      if (HIDDEN.has(name)) return [];
      return [[name, name === "settings" ? withoutSecrets(value) : value]];
    }),
  );
}

/** What a team tells logging services are credentials. */
function withoutSecrets(settings: unknown): unknown {
  return JSON.parse(
    JSON.stringify(settings ?? {}, (name: string, value: unknown) => (name === "callback_vars" ? "***" : value)),
  );
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
