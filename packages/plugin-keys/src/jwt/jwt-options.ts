import type { Role } from "../records/records.ts";

/** Who hands out tokens, and how they are known to be theirs. */
export interface JwtIssuer {
  /** Exactly the `iss` of its tokens. */
  readonly issuer: string;
  /** The `aud` that tokens for this gateway have; one of them suffices. A token for somebody else is nobody's. */
  readonly audience: string | readonly string[];
  /** Where its keys are. Default: what its discovery document says. */
  readonly jwksUrl?: string;
  /** Its discovery document. Default: `<issuer>/.well-known/openid-configuration`. */
  readonly discoveryUrl?: string;
  /** Default: RS256, PS256, ES256 and EdDSA. Never `none`, and never those with a shared secret. */
  readonly algorithms?: readonly string[];
  /** How far clocks may be apart. Default 30. */
  readonly clockToleranceSeconds?: number;
  /** Every e-mail address in its tokens has been checked, also where `email_verified` is missing. Default false. */
  readonly emailsVerified?: boolean;
}

/** Where in a token things stand: names of claims, with dots for claims within claims: `realm_access.roles`. */
export interface JwtClaims {
  /** Id of the user. Default `sub`. */
  readonly userId?: string;
  /** Finds a user by address, if the issuer has checked it. */
  readonly email?: string;
  readonly teamId?: string;
  /** A list of teams; the first one that is known counts. */
  readonly teamIds?: string;
  readonly organizationId?: string;
  /** The customer that calls are made for, whatever the request says. */
  readonly endUserId?: string;
  /** Roles at the issuer. */
  readonly roles?: string | readonly string[];
  /** Public models and wildcards; a token without them has none. */
  readonly models?: string;
}

/** What a token can stand for: a user with this role, or a team. */
export type JwtRole = Role | "team";

/** How callers with tokens of an identity provider are let in. */
export interface JwtOptions {
  /** Each is trusted with all that its claims say. */
  readonly issuers: readonly JwtIssuer[];
  readonly claims?: JwtClaims;
  /** Tokens with this scope are a proxy administrator's. Default: none is. */
  readonly adminScope?: string;
  /** Routes of administrators with tokens: paths or words such as `management_routes`. Default: all. */
  readonly adminAllowedRoutes?: readonly string[];
  /** Routes of tokens that stand for a team. Default: `["llm_api_routes", "info_routes"]`. */
  readonly teamAllowedRoutes?: readonly string[];
  /** What roles at the issuer mean here. The highest counts. */
  readonly roleMappings?: readonly { readonly role: string; readonly internalRole: JwtRole }[];
  /** Refuse tokens without a role that means something here. Default: true where `claims.roles` is given. */
  readonly requireRole?: boolean;
  /**
   * What the roles may use: it bounds what their users and teams may. A token without a role is a `team`'s if it names
   * one, else an `internal_user`'s.
   */
  readonly rolePermissions?: readonly {
    readonly role: JwtRole;
    readonly models?: readonly string[];
    readonly routes?: readonly string[];
  }[];
  /** Scopes open models and routes; a token without such a scope has none. */
  readonly scopeMappings?: readonly {
    readonly scope: string;
    readonly models?: readonly string[];
    readonly routes?: readonly string[];
  }[];
  /** Make a record for users that have none, with `defaultInternalUserParams`. Default false. */
  readonly userIdUpsert?: boolean;
  /** Make a record for teams that have none, with `defaultTeamParams`. Default false. */
  readonly teamIdUpsert?: boolean;
  /** Only users with a checked address of this domain. */
  readonly allowedEmailDomain?: string;
  /** How long an issuer's keys are used without asking again, and a token without checking it again. Default 600,000. */
  readonly publicKeyTtlMs?: number;
  /** How long keys stay good while their issuer is down. Default 86,400,000. */
  readonly publicKeyMaxAgeMs?: number;
  /** Shortest time between two questions to an issuer, whatever tokens come. Default 30,000. */
  readonly publicKeyCooldownMs?: number;
}
