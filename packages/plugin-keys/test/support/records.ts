import { Secret } from "@signalbox/kernel";
import { KeyHasher } from "../../src/auth/key-hash.ts";
import type { KeyRecord, OrganizationRecord, TeamRecord, UserRecord } from "../../src/records/records.ts";

export const PEPPER: Secret = new Secret("pepper-of-the-tests-0123456789-abcdef");
export const MASTER = "sk-master-key-of-the-tests-0001";
export const hasher: KeyHasher = new KeyHasher(PEPPER);

const history = {
  created_at: "2026-11-01T00:00:00.000Z",
  created_by: "master",
  updated_at: "2026-11-01T00:00:00.000Z",
  updated_by: "master",
};

export function keyRecord(id: string, key: string, more: Partial<KeyRecord> = {}): KeyRecord {
  return {
    id,
    hash: hasher.hash(key),
    key_name: "sk-...test",
    key_alias: null,
    models: ["all-proxy-models"],
    user_id: null,
    team_id: null,
    organization_id: null,
    expires: null,
    blocked: false,
    aliases: {},
    metadata: {},
    tags: [],
    allowed_routes: null,
    router_settings: null,
    ancestor_ids: [],
    ...history,
    ...more,
  };
}

export function userRecord(id: string, more: Partial<UserRecord> = {}): UserRecord {
  return {
    id,
    user_email: null,
    user_alias: null,
    user_role: "internal_user",
    models: null,
    blocked: false,
    metadata: {},
    sso_user_id: null,
    teams: [],
    organizations: [],
    ...history,
    ...more,
  };
}

export function teamRecord(id: string, more: Partial<TeamRecord> = {}): TeamRecord {
  return {
    id,
    team_alias: null,
    organization_id: null,
    members_with_roles: [],
    team_member_permissions: [],
    models: null,
    model_aliases: {},
    tags: [],
    blocked: false,
    metadata: {},
    router_settings: null,
    ...history,
    ...more,
  };
}

export function organizationRecord(id: string, more: Partial<OrganizationRecord> = {}): OrganizationRecord {
  return {
    id,
    organization_alias: id,
    members: [],
    models: null,
    blocked: false,
    metadata: {},
    ...history,
    ...more,
  };
}
