import type { Collections } from "../records/collections.ts";
import type {
  BudgetRecord,
  CustomerRecord,
  KeyRecord,
  OrganizationRecord,
  RetiredHash,
  TagRecord,
  TeamRecord,
  UserRecord,
} from "../records/records.ts";
import type { CacheTimes } from "./cached-records.ts";
import { CachedRecords } from "./cached-records.ts";
import type { ModelGroups } from "./model-grants.ts";
import { GroupTable } from "./model-groups.ts";
import type { StoreGuard } from "./store-guard.ts";

/** A key and all that it stands in. */
export interface Identity {
  readonly key: KeyRecord;
  /** Undefined in the place of one that is gone. */
  readonly ancestors: readonly (KeyRecord | undefined)[];
  readonly user: UserRecord | undefined;
  readonly team: TeamRecord | undefined;
  readonly organization: OrganizationRecord | undefined;
  /** Budgets that the others refer to. */
  readonly budgets: ReadonlyMap<string, BudgetRecord>;
  /** Names among their models that stand for several. */
  readonly groups: ModelGroups;
}

/** Whose bounds a key stands under. Nobody leaves an organisation by making a key without naming it. */
export function organizationOf(
  key: KeyRecord,
  team: TeamRecord | undefined,
  user: UserRecord | undefined,
): string | null {
  if (key.organization_id !== null) return key.organization_id;
  return key.team_id === null ? (user?.organizations[0] ?? null) : (team?.organization_id ?? null);
}

function earlier(one: string | null, other: string): string {
  return one !== null && Date.parse(one) < Date.parse(other) ? one : other;
}

/** Finds identities, from copies where there are some. */
export class Identities {
  readonly #byHash: CachedRecords<KeyRecord>;
  readonly #retired: CachedRecords<RetiredHash>;
  readonly #keys: CachedRecords<KeyRecord>;
  readonly #users: CachedRecords<UserRecord>;
  readonly #usersBySubject: CachedRecords<UserRecord>;
  readonly #usersByEmail: CachedRecords<UserRecord>;
  readonly #teams: CachedRecords<TeamRecord>;
  readonly #organizations: CachedRecords<OrganizationRecord>;
  readonly #budgets: CachedRecords<BudgetRecord>;
  readonly #groups: GroupTable;
  readonly customers: CachedRecords<CustomerRecord>;
  readonly tags: CachedRecords<TagRecord>;

  /** @param changed called when anything that identities are made of has changed */
  constructor(
    collections: Collections,
    parts: {
      readonly guard: StoreGuard;
      readonly times: CacheTimes;
      readonly now: () => number;
      readonly modelGroups?: ModelGroups;
    },
    changed: () => void,
  ) {
    const { keys, retiredHashes, users, teams, organizations, budgets, customers, tags, accessGroups } = collections;
    this.#byHash = new CachedRecords(keys, (hash) => keys.find("hash", hash), parts, changed);
    this.#retired = new CachedRecords(retiredHashes, (hash) => retiredHashes.get(hash), parts, changed);
    this.#keys = new CachedRecords(keys, (id) => keys.get(id), parts, changed);
    this.#users = new CachedRecords(users, (id) => users.get(id), parts, changed);
    const bySubject = (subject: string): Promise<UserRecord | undefined> => users.find("sso_user_id", subject);
    const byEmail = (email: string): Promise<UserRecord | undefined> => users.find("user_email", email);
    this.#usersBySubject = new CachedRecords(users, bySubject, parts, changed);
    this.#usersByEmail = new CachedRecords(users, byEmail, parts, changed);
    this.#teams = new CachedRecords(teams, (id) => teams.get(id), parts, changed);
    this.#organizations = new CachedRecords(organizations, (id) => organizations.get(id), parts, changed);
    this.#budgets = new CachedRecords(budgets, (id) => budgets.get(id), parts, changed);
    this.#groups = new GroupTable(accessGroups, parts, changed);
    this.customers = new CachedRecords(customers, (id) => customers.get(id), parts, changed);
    this.tags = new CachedRecords(tags, (id) => tags.get(id), parts, changed);
  }

  /** Undefined: there is no such key. */
  async find(hash: string): Promise<Identity | undefined> {
    const key = (await this.#byHash.get(hash)) ?? (await this.#findRetired(hash));
    return key === undefined ? undefined : await this.complete(key);
  }

  /** A key by what it was before it was regenerated: this secret ends when its time is over. */
  async #findRetired(hash: string): Promise<KeyRecord | undefined> {
    const retired = await this.#retired.get(hash);
    const key = retired === undefined ? undefined : await this.#keys.get(retired.key_id);
    return key === undefined || retired === undefined
      ? undefined
      : { ...key, expires: earlier(key.expires, retired.until) };
  }

  async complete(key: KeyRecord): Promise<Identity> {
    const user = key.user_id === null ? undefined : await this.#users.get(key.user_id);
    const team = key.team_id === null ? undefined : await this.#teams.get(key.team_id);
    const organizationId = organizationOf(key, team, user);
    const organization = organizationId === null ? undefined : await this.#organizations.get(organizationId);
    const ancestors: (KeyRecord | undefined)[] = [];
    for (const id of key.ancestor_ids) ancestors.push(await this.#keys.get(id));
    const budgets = new Map<string, BudgetRecord>();
    for (const record of [key, ...ancestors, user, team, organization])
      await this.#addBudget(record?.budget_id, budgets);
    const groups = await this.#groups.current();
    return { key, ancestors, user, team, organization, budgets, groups };
  }

  async user(id: string): Promise<UserRecord | undefined> {
    return await this.#users.get(id);
  }

  /** By the id at an issuer. */
  async userBySubject(subject: string): Promise<UserRecord | undefined> {
    return await this.#usersBySubject.get(subject);
  }

  async userByEmail(email: string): Promise<UserRecord | undefined> {
    return await this.#usersByEmail.get(email);
  }

  async team(id: string): Promise<TeamRecord | undefined> {
    return await this.#teams.get(id);
  }

  async budget(id: string | null | undefined): Promise<BudgetRecord | undefined> {
    return id === null || id === undefined ? undefined : await this.#budgets.get(id);
  }

  close(): void {
    for (const each of [this.#byHash, this.#retired, this.#keys, this.#users, this.#teams, this.#organizations]) {
      each.close();
    }
    for (const each of [this.#usersBySubject, this.#usersByEmail]) each.close();
    for (const each of [this.#groups, this.#budgets, this.customers, this.tags]) each.close();
  }

  async #addBudget(id: string | null | undefined, to: Map<string, BudgetRecord>): Promise<void> {
    const budget = await this.budget(id);
    if (budget !== undefined) to.set(budget.id, budget);
  }
}
