import { GatewayError, isGatewayError } from "@signalbox/kernel";
import type { StoreGuard } from "../auth/store-guard.ts";
import type { TeamDefaults, UserDefaults } from "../key-policy.ts";
import type { Collections } from "../records/collections.ts";
import type { AuditRecord, TeamRecord, UserRecord } from "../records/records.ts";

const BY = "jwt";

/** What new records are made with. */
export interface SignUpParts {
  readonly collections: Collections;
  readonly guard: StoreGuard;
  readonly nextId: () => string;
  readonly users: UserDefaults | undefined;
  readonly teams: TeamDefaults | undefined;
}

/** Makes records of users and teams that come with a token for the first time. Nothing is granted by saying nothing. */
export class SignUp {
  readonly #parts: SignUpParts;

  constructor(parts: SignUpParts) {
    this.#parts = parts;
  }

  /** @throws {GatewayError} `auth_unavailable` */
  async user(id: string, email: string | undefined): Promise<UserRecord> {
    const { collections, users: given = {} } = this.#parts;
    // nobody signs up as an administrator
    const role = given.user_role === "internal_user_viewer" ? given.user_role : "internal_user";
    const record: UserRecord = {
      ...given,
      id,
      user_email: email ?? null,
      user_alias: null,
      user_role: role,
      models: given.models ?? [],
      blocked: false,
      metadata: given.metadata ?? {},
      sso_user_id: null,
      teams: [],
      organizations: [],
      ...history(),
    };
    return await this.#make(collections.users, "users", record);
  }

  /** @throws {GatewayError} `auth_unavailable` */
  async team(id: string): Promise<TeamRecord> {
    const { collections, teams: given = {} } = this.#parts;
    const record: TeamRecord = {
      ...given,
      id,
      team_alias: null,
      organization_id: null,
      members_with_roles: [],
      team_member_permissions: given.team_member_permissions ?? [],
      models: given.models ?? [],
      model_aliases: given.model_aliases ?? {},
      tags: given.tags ?? [],
      blocked: false,
      metadata: given.metadata ?? {},
      router_settings: null,
      ...history(),
    };
    return await this.#make(collections.teams, "teams", record);
  }

  async #make<Item extends UserRecord | TeamRecord>(
    collection: { get(id: string): Promise<Item | undefined>; insert(item: Item): Promise<void> },
    table: string,
    record: Item,
  ): Promise<Item> {
    const { collections, guard, nextId } = this.#parts;
    const entry: AuditRecord = {
      id: nextId(),
      updated_at: record.created_at,
      changed_by: BY,
      changed_with: BY,
      changed_for: null,
      action: "created",
      table_name: table,
      object_id: record.id,
      before_value: null,
      updated_values: record,
    };
    return await guard.run(async () => {
      try {
        await collections.store.transaction(async () => {
          await collection.insert(record);
          await collections.audit.insert(entry);
        });
        return record;
      } catch (thrown) {
        if (!isGatewayError(thrown) || thrown.code !== "conflict") throw thrown;
      }
      // another call, or another process, was first
      const there = await collection.get(record.id);
      if (there === undefined) throw new GatewayError("auth_unavailable", "this user cannot be made a record of now");
      return there;
    });
  }
}

function history(): Pick<UserRecord, "created_at" | "created_by" | "updated_at" | "updated_by"> {
  const now = new Date().toISOString();
  return { created_at: now, created_by: BY, updated_at: now, updated_by: BY };
}
