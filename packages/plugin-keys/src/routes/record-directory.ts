import type { Described, Directory, Principal, Scope, StoredRecord } from "@signalbox/kernel";
import { actorOf, isOrganizationAdmin, isTeamAdmin, keyAccess, mayActFor, seesAll } from "./actor.ts";
import { findKey } from "./key-row.ts";
import type { Management } from "./management.ts";

const PER_READ = 100;

/** Who is who, by the records of keys, teams and users. */
export class RecordDirectory implements Directory {
  readonly #management: Management;

  constructor(management: Management) {
    this.#management = management;
  }

  async keyId(text: string): Promise<string | undefined> {
    return (await findKey(text, this.#management))?.id;
  }

  async keyIdOfAlias(alias: string): Promise<string | undefined> {
    return (await this.#management.collections.keys.find("key_alias", alias))?.id;
  }

  seesAll(principal: Principal): boolean {
    return seesAll(actorOf(principal, {}, this.#management));
  }

  async sees(principal: Principal, { kind, id }: Scope): Promise<boolean> {
    const actor = actorOf(principal, {}, this.#management);
    if (seesAll(actor)) return true;
    const { keys, users, teams, organizations } = this.#management.collections;
    switch (kind) {
      case "key": {
        if (id === principal.id) return true;
        const key = await keys.get(id);
        return key !== undefined && (await keyAccess(actor, key, this.#management)) !== "none";
      }
      case "user": {
        if (id === actor.userId) return true;
        const user = await users.get(id);
        return user !== undefined && (await mayActFor(actor, user, this.#management));
      }
      case "team": {
        const team = await teams.get(id);
        return team !== undefined && (await isTeamAdmin(actor, team, this.#management));
      }
      case "organization": {
        const organization = await organizations.get(id);
        return organization !== undefined && isOrganizationAdmin(actor, organization);
      }
      default:
        return false;
    }
  }

  async describe(kind: Scope["kind"], ids: readonly string[]): Promise<ReadonlyMap<string, Described>> {
    const { keys, users, teams, organizations, customers } = this.#management.collections;
    const found = new Map<string, Described>();
    const collection = { key: keys, user: users, team: teams, organization: organizations, customer: customers }[
      kind as "key"
    ] as { list(query: object): Promise<{ readonly items: readonly StoredRecord[] }> } | undefined;
    if (collection === undefined) return found;
    for (let start = 0; start < ids.length; start += PER_READ) {
      const some = ids.slice(start, start + PER_READ);
      const { items } = await collection.list({ where: { id: some }, limit: PER_READ });
      for (const item of items) found.set(item.id, described(item));
    }
    return found;
  }
}

/** The first of the names that a record of any kind has. */
function described(record: StoredRecord): Described {
  const names = ["key_alias", "team_alias", "user_alias", "user_email", "organization_alias", "alias"];
  const alias = names.map((name) => record[name]).find((value) => typeof value === "string");
  const { key_name: name, metadata } = record;
  return {
    ...(typeof alias === "string" && { alias }),
    ...(typeof name === "string" && { name }),
    ...(typeof metadata === "object" && metadata !== null && { metadata: metadata as Record<string, unknown> }),
  };
}
