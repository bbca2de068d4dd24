import type { JWTPayload } from "jose";
import type { JwtClaims, JwtIssuer } from "./jwt-options.ts";

const LONGEST_ID = 256;
const CONTROL = /\p{Cc}/u;

/** What a token says about its bearer, before anything of it is looked up. */
export interface TokenFacts {
  /** Stable, and nobody else's: issuer and subject. */
  readonly id: string;
  readonly userId: string | undefined;
  readonly email: string | undefined;
  readonly emailVerified: boolean;
  readonly teamIds: readonly string[];
  readonly organizationId: string | undefined;
  readonly endUserId: string | undefined;
  readonly roles: readonly string[];
  readonly scopes: readonly string[];
  /** Undefined: tokens do not say it. */
  readonly models: readonly string[] | undefined;
}

/** Undefined: a claim is not what it must be. */
export function factsOf(payload: JWTPayload, claims: JwtClaims, issuer: JwtIssuer): TokenFacts | undefined {
  const text = (path: string | undefined): string | undefined | null => {
    const value = path === undefined ? undefined : claimAt(payload, path);
    if (value === undefined || value === null) return undefined;
    return isId(value) ? value : null;
  };
  const list = (path: string | undefined): readonly string[] | null => {
    const value = path === undefined ? undefined : claimAt(payload, path);
    if (value === undefined || value === null) return [];
    const all = Array.isArray(value) ? (value as readonly unknown[]) : [value];
    return all.every(isId) ? all : null;
  };
  const userId = text(claims.userId ?? "sub");
  const email = text(claims.email);
  const teamId = text(claims.teamId);
  const teamIds = list(claims.teamIds);
  const organizationId = text(claims.organizationId);
  const endUserId = text(claims.endUserId);
  const roleLists = [claims.roles ?? []].flat().map(list);
  const models = list(claims.models);
  const subject = text("sub") ?? userId;
  if (subject === null || subject === undefined) return undefined;
  if (userId === null || email === null || teamId === null || teamIds === null) return undefined;
  if (organizationId === null || endUserId === null || models === null || roleLists.includes(null)) return undefined;
  return {
    id: `jwt:${issuer.issuer}#${subject}`,
    userId,
    email,
    emailVerified: payload.email_verified === true || issuer.emailsVerified === true,
    teamIds: teamId === undefined ? teamIds : [teamId],
    organizationId,
    endUserId,
    roles: roleLists.flatMap((each) => each ?? []),
    scopes: scopesOf(payload),
    models: claims.models === undefined ? undefined : models,
  };
}

/** A claim that bears the whole name, dots and all, comes before one within another. */
function claimAt(payload: JWTPayload, path: string): unknown {
  if (Object.hasOwn(payload, path)) return payload[path];
  let value: unknown = payload;
  for (const name of path.split(".")) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
    value = (value as Readonly<Record<string, unknown>>)[name];
  }
  return value;
}

/** `scope` is one text with spaces (RFC 8693, section 4.2); some issuers write a list, or `scp`. */
function scopesOf({ scope, scp }: JWTPayload): readonly string[] {
  return [scope, scp].flat().flatMap((each) => (typeof each === "string" ? each.split(" ").filter(Boolean) : []));
}

function isId(value: unknown): value is string {
  return typeof value === "string" && value !== "" && value.length <= LONGEST_ID && !CONTROL.test(value);
}
