import type { Bounds, Role, RouterSettings } from "./records/records.ts";

/** What `/key/generate` fills in where a request leaves it out; names and units are those of its body. */
export interface KeyDefaults extends Bounds {
  /** `30d` */
  readonly duration?: string;
  readonly models?: readonly string[];
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly tags?: readonly string[];
  readonly aliases?: Readonly<Record<string, string>>;
  readonly allowed_routes?: readonly string[];
  readonly key_type?: "default" | "llm_api" | "management" | "read_only";
  readonly router_settings?: RouterSettings;
  readonly team_id?: string;
}

/** The most that any key can be given: what asks for more is refused, what asks for nothing gets this much. */
export interface KeyBounds {
  readonly duration?: string;
  readonly budget_duration?: string;
  readonly max_budget?: number;
  readonly max_parallel_requests?: number;
  readonly tpm_limit?: number;
  readonly rpm_limit?: number;
}

/** What `/team/new` fills in. */
export interface TeamDefaults extends Bounds {
  readonly models?: readonly string[];
  readonly model_aliases?: Readonly<Record<string, string>>;
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly tags?: readonly string[];
  readonly team_member_permissions?: readonly string[];
}

/** What `/user/new` fills in. */
export interface UserDefaults extends Bounds {
  readonly user_role?: Role;
  readonly models?: readonly string[];
  readonly metadata?: Readonly<Record<string, unknown>>;
}

/** Who may make keys, besides proxy administrators. */
export interface KeyGenerationSettings {
  /** For keys of a team. */
  readonly team_key_generation?: {
    /** Default: administrators of the team, and members whom it permits. */
    readonly allowed_team_member_roles?: readonly ("admin" | "user")[];
    /** Fields that a request must bring. */
    readonly required_params?: readonly string[];
  };
  /** For keys without a team. */
  readonly personal_key_generation?: {
    /** Default: every role that may make keys at all. */
    readonly allowed_user_roles?: readonly Role[];
    readonly required_params?: readonly string[];
  };
}

/** What holds for objects that are made over the management API. */
export interface KeyPolicy {
  readonly timezone?: string;
  readonly defaultKeyGenerateParams?: KeyDefaults;
  readonly upperboundKeyGenerateParams?: KeyBounds;
  readonly defaultTeamParams?: TeamDefaults;
  readonly defaultInternalUserParams?: UserDefaults;
  readonly keyGenerationSettings?: KeyGenerationSettings;
}
