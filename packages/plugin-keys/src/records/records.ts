import type { CollectionDefinition, StoredRecord } from "@signalbox/kernel";

/** How much may be spent on one model, on the wire. USD. */
export interface ModelBudget {
  readonly budget_limit: number | null;
  readonly time_period?: string;
}

/** Budgets and limits, as the management API names them. USD; null and absent: no limit. */
export interface Bounds {
  readonly max_budget?: number | null;
  readonly soft_budget?: number | null;
  readonly budget_duration?: string | null;
  /** A budget record that fills in what is not given here. */
  readonly budget_id?: string | null;
  readonly max_parallel_requests?: number | null;
  readonly tpm_limit?: number | null;
  readonly rpm_limit?: number | null;
  readonly model_max_budget?: Readonly<Record<string, ModelBudget>> | null;
  readonly model_rpm_limit?: Readonly<Record<string, number>> | null;
  readonly model_tpm_limit?: Readonly<Record<string, number>> | null;
}

/** What every record tells of its own history. RFC 3339, UTC. */
export interface History {
  readonly created_at: string;
  readonly created_by: string;
  readonly updated_at: string;
  readonly updated_by: string;
}

/** How calls are routed, on the wire. */
export interface RouterSettings {
  readonly fallbacks?: readonly Readonly<Record<string, readonly string[]>>[];
  readonly context_window_fallbacks?: readonly Readonly<Record<string, readonly string[]>>[];
  readonly content_policy_fallbacks?: readonly Readonly<Record<string, readonly string[]>>[];
  readonly default_fallbacks?: readonly string[];
  readonly disable_fallbacks?: boolean;
  readonly num_retries?: number;
}

/** How a key's limit goes with those above it: a bound, a part that nobody else is promised, a share of what is not used. */
export type LimitType = "best_effort_throughput" | "guaranteed_throughput" | "dynamic";

/** A virtual key. `id` is the opaque token; the key itself is nowhere. */
export interface KeyRecord extends StoredRecord, Bounds, History {
  /** HMAC of the SHA-256 of the key, under the server's pepper. */
  readonly hash: string;
  /** `sk-...abcd` */
  readonly key_name: string;
  readonly key_alias: string | null;
  readonly models: readonly string[];
  /** Groups of models that it may use besides. */
  readonly access_group_ids?: readonly string[];
  readonly user_id: string | null;
  readonly team_id: string | null;
  readonly organization_id: string | null;
  /** RFC 3339, UTC. */
  readonly expires: string | null;
  readonly blocked: boolean;
  readonly aliases: Readonly<Record<string, string>>;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly tags: readonly string[];
  /** Words such as `llm_api_routes`, or paths. null: what the role allows. */
  readonly allowed_routes: readonly string[] | null;
  readonly router_settings: RouterSettings | null;
  /** Where calls go whose budget is spent, before those of all. */
  readonly budget_fallbacks?: RouterSettings["fallbacks"] | null;
  readonly budget_limits?: readonly { readonly budget_duration: string; readonly max_budget: number }[] | null;
  readonly tpm_limit_type?: LimitType | null;
  readonly rpm_limit_type?: LimitType | null;
  /** Weight of a dynamic key among those of its team or organisation. Default 1. */
  readonly priority?: number | null;
  readonly temp_budget_increase?: number | null;
  readonly temp_budget_expiry?: string | null;
  /** What it says to plugins, by the names of the management API: `guardrails`. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Keys with bounds of their own that this one was made with, and what made those: it shares their bounds and their end. */
  readonly ancestor_ids: readonly string[];
}

/** A hash that a regenerated key still answers to for a while. `id` is the hash. */
export interface RetiredHash extends StoredRecord {
  readonly key_id: string;
  readonly until: string;
}

/** What a person may do. */
export type Role = "proxy_admin" | "proxy_admin_viewer" | "internal_user" | "internal_user_viewer";

/** A person. */
export interface UserRecord extends StoredRecord, Bounds, History {
  readonly user_email: string | null;
  readonly user_alias: string | null;
  readonly user_role: Role;
  /** null: no bound of its own. */
  readonly models: readonly string[] | null;
  readonly blocked: boolean;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly sso_user_id: string | null;
  /** Ids; the roles stand in the teams and organisations. */
  readonly teams: readonly string[];
  readonly organizations: readonly string[];
}

/** Somebody's place in a team. */
export interface TeamMember {
  readonly user_id: string;
  readonly role: "admin" | "user";
  readonly max_budget_in_team?: number | null;
  readonly tpm_limit?: number | null;
  readonly rpm_limit?: number | null;
}

/** People who share models and budgets. */
export interface TeamRecord extends StoredRecord, Bounds, History {
  readonly team_alias: string | null;
  readonly organization_id: string | null;
  readonly members_with_roles: readonly TeamMember[];
  /** Key routes that plain members may use for keys of the team. */
  readonly team_member_permissions: readonly string[];
  /** null: as the organisation. */
  readonly models: readonly string[] | null;
  /** Groups of models that it may use besides, where `models` bounds it. */
  readonly access_group_ids?: readonly string[];
  readonly model_aliases: Readonly<Record<string, string>>;
  readonly tags: readonly string[];
  readonly blocked: boolean;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly router_settings: RouterSettings | null;
  /** Of members that have no budget or limit of their own in the team. USD. */
  readonly team_member_budget?: number | null;
  readonly team_member_budget_duration?: string | null;
  readonly team_member_rpm_limit?: number | null;
  readonly team_member_tpm_limit?: number | null;
  /** How long keys last that members make. */
  readonly team_member_key_duration?: string | null;
  /** What it says to plugins. */
  readonly settings?: Readonly<Record<string, unknown>>;
}

/** Somebody's place in an organisation. */
export interface OrganizationMember {
  readonly user_id: string;
  readonly role: "org_admin" | "internal_user" | "internal_user_viewer";
}

/** Teams and users of one tenant. */
export interface OrganizationRecord extends StoredRecord, Bounds, History {
  readonly organization_alias: string;
  readonly members: readonly OrganizationMember[];
  /** null: all. */
  readonly models: readonly string[] | null;
  readonly blocked: boolean;
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** An end user of an application that calls with one key for many. */
export interface CustomerRecord extends StoredRecord, Bounds, History {
  readonly alias: string | null;
  readonly blocked: boolean;
  readonly allowed_model_region: "eu" | "us" | null;
}

/** Budgets and limits that others refer to. */
export interface BudgetRecord extends StoredRecord, Bounds, History {}

/** Models under one name, which can stand in every list of models. `id` is the name. */
export interface AccessGroupRecord extends StoredRecord, History {
  readonly description: string | null;
  readonly model_names: readonly string[];
}

/** What calls are marked with. `id` is its name. */
export interface TagRecord extends StoredRecord, Bounds, History {
  readonly description: string | null;
}

/** One change. */
export interface AuditRecord extends StoredRecord {
  readonly updated_at: string;
  /** Id of the key or person that did it. */
  readonly changed_by: string;
  /** Whom the caller says it did it for. */
  readonly changed_for: string | null;
  readonly action: string;
  readonly table_name: string;
  readonly object_id: string;
  readonly before_value: unknown;
  readonly updated_values: unknown;
}

/** Every collection, with the fields that records are found by; `!` marks a unique one. */
const FIELDS = {
  keys: "!hash !key_alias user_id team_id organization_id budget_id created_by created_at updated_at expires blocked key_name",
  retiredHashes: "key_id",
  users: "!user_email !sso_user_id user_role budget_id created_at",
  teams: "team_alias organization_id budget_id created_at",
  organizations: "organization_alias budget_id created_at",
  customers: "alias budget_id created_at",
  budgets: "created_at",
  tags: "budget_id created_at",
  accessGroups: "created_at",
  audit: "updated_at changed_by action table_name object_id",
} as const;

const TABLES: Readonly<Record<keyof typeof FIELDS, string>> = {
  keys: "keys",
  retiredHashes: "retired_key_hashes",
  users: "users",
  teams: "teams",
  organizations: "organizations",
  customers: "customers",
  budgets: "budgets",
  tags: "tags",
  accessGroups: "access_groups",
  audit: "audit_log",
};

/** What a store is asked to open. */
export function definitionOf(kind: keyof typeof FIELDS): CollectionDefinition {
  return {
    name: TABLES[kind],
    indexes: FIELDS[kind]
      .split(" ")
      .map((text) => (text.startsWith("!") ? { field: text.slice(1), unique: true } : { field: text })),
  };
}
