import type { Principal } from "@signalbox/kernel";
import type { Identities, Identity } from "../auth/identity.ts";
import { ALL_TEAM_MODELS } from "../auth/model-grants.ts";
import { principalOf } from "../auth/principal-of.ts";
import type { KeyRecord, UserRecord } from "../records/records.ts";
import type { JwtOptions } from "./jwt-options.ts";
import type { SignUp } from "./sign-up.ts";
import type { TokenFacts } from "./token-claims.ts";
import { factsOf } from "./token-claims.ts";
import type { TokenGrants } from "./token-grants.ts";
import { grantsOf } from "./token-grants.ts";
import type { CheckedToken, TokenVerifier } from "./verify-tokens.ts";

/** Who is behind a token, and until when. */
export interface TokenIdentity {
  readonly identity: Identity;
  readonly principal: Principal;
  /** Epoch milliseconds. */
  readonly expiresAt: number;
}

/** What it takes to tell who is behind a token. */
export interface TokenParts {
  readonly options: JwtOptions;
  readonly verifier: TokenVerifier;
  readonly identities: Identities;
  readonly signUp: SignUp;
  readonly now: () => number;
  readonly size: number;
}

interface Checked {
  readonly token: CheckedToken;
  readonly until: number;
}

const NEVER = "1970-01-01T00:00:00.000Z";

/** Tells who is behind a token of an identity provider. */
export class TokenIdentities {
  readonly #parts: TokenParts;
  /** By a hash of the whole token. */
  readonly #checked = new Map<string, Checked>();

  constructor(parts: TokenParts) {
    this.#parts = parts;
  }

  /**
   * Undefined: nobody, whatever the reason.
   *
   * @param name hash of the whole token
   * @throws {GatewayError} `auth_unavailable`
   */
  async find(token: string, name: string): Promise<TokenIdentity | undefined> {
    const checked = await this.#check(token, name);
    if (checked === undefined) return undefined;
    const { options } = this.#parts;
    const facts = factsOf(checked.payload, options.claims ?? {}, checked.issuer);
    const grants = facts === undefined ? undefined : grantsOf(facts, options);
    if (facts === undefined || grants === undefined || !this.#isOfDomain(facts)) return undefined;
    const found = grants.role === "proxy_admin" ? await this.#admin(facts, grants) : await this.#bearer(facts, grants);
    if (found === undefined) return undefined;
    const { endUserId } = facts;
    return {
      identity: found.identity,
      principal: { ...found.principal, ...(endUserId !== undefined && { endUserId }) },
      expiresAt: checked.expiresAt,
    };
  }

  async #check(token: string, name: string): Promise<CheckedToken | undefined> {
    const { verifier, now, size, options } = this.#parts;
    const known = this.#checked.get(name);
    if (known !== undefined && now() < known.until) return known.token;
    this.#checked.delete(name);
    const checked = await verifier.check(token);
    if (checked === undefined) return undefined;
    // a key that its issuer has withdrawn takes its tokens along, at the latest when keys are asked for again
    const until = Math.min(checked.expiresAt, now() + (options.publicKeyTtlMs ?? 600_000));
    this.#checked.set(name, { token: checked, until });
    if (this.#checked.size > size) {
      for (const oldest of this.#checked.keys()) {
        this.#checked.delete(oldest);
        break;
      }
    }
    return checked;
  }

  #isOfDomain({ email, emailVerified }: TokenFacts): boolean {
    const { allowedEmailDomain: domain } = this.#parts.options;
    if (domain === undefined) return true;
    if (email === undefined || !emailVerified) return false;
    return email.slice(email.lastIndexOf("@") + 1).toLowerCase() === domain.toLowerCase();
  }

  async #admin(facts: TokenFacts, grants: TokenGrants): Promise<Omit<TokenIdentity, "expiresAt"> | undefined> {
    const user = await this.#user(facts, false);
    if (user === "refused") return undefined;
    const record = { ...keyOf(facts, grants), user_id: user?.id ?? null, organization_id: null };
    const identity = await this.#parts.identities.complete(record);
    const { routes } = principalOf(identity);
    return {
      identity,
      principal: {
        id: facts.id,
        kind: "user",
        admin: true,
        models: ["*"],
        ...(user !== undefined && { userId: user.id }),
        ...(routes !== undefined && { routes }),
      },
    };
  }

  async #bearer(facts: TokenFacts, grants: TokenGrants): Promise<Omit<TokenIdentity, "expiresAt"> | undefined> {
    const { identities, options } = this.#parts;
    const team = await this.#team(facts);
    if (team === undefined && (facts.teamIds.length > 0 || grants.role === "team")) return undefined;
    const user = grants.role === "team" ? undefined : await this.#user(facts, options.userIdUpsert === true);
    if (user === "refused") return undefined;
    // nothing says what somebody may do who is unknown in every way
    if (user === undefined && team === undefined && grants.models === undefined) return undefined;
    const record: KeyRecord = { ...keyOf(facts, grants), user_id: user?.id ?? null, team_id: team ?? null };
    const identity = withRole(await identities.complete(record), grants.role);
    // a team of one tenant in a token of another
    const own = identity.team?.organization_id ?? null;
    if (own !== null && facts.organizationId !== undefined && own !== facts.organizationId) return undefined;
    const userId = user?.id ?? (grants.role === "team" ? undefined : facts.userId);
    const principal = principalOf(identity);
    return { identity, principal: { ...principal, kind: "user", ...(userId !== undefined && { userId }) } };
  }

  /** The first team that is known. */
  async #team({ teamIds }: TokenFacts): Promise<string | undefined> {
    const { identities, options, signUp } = this.#parts;
    for (const id of teamIds) if ((await identities.team(id)) !== undefined) return id;
    const [first] = teamIds;
    if (first === undefined || options.teamIdUpsert !== true) return undefined;
    await signUp.team(first);
    return first;
  }

  /** By id, by id at the issuer, by checked address. An address that nobody has checked and that is somebody's: refused. */
  async #user(facts: TokenFacts, upsert: boolean): Promise<UserRecord | "refused" | undefined> {
    const { identities, signUp } = this.#parts;
    const { userId, email, emailVerified } = facts;
    if (userId !== undefined) {
      const known = (await identities.user(userId)) ?? (await identities.userBySubject(userId));
      if (known !== undefined) return known;
    }
    const byEmail = email === undefined ? undefined : await this.#userByEmail(email);
    if (byEmail !== undefined) return emailVerified ? byEmail : "refused";
    if (!upsert || userId === undefined) return undefined;
    return await signUp.user(userId, emailVerified ? email : undefined);
  }

  async #userByEmail(email: string): Promise<UserRecord | undefined> {
    const { identities } = this.#parts;
    const exact = await identities.userByEmail(email);
    const plain = email.toLowerCase();
    return exact ?? (plain === email ? undefined : await identities.userByEmail(plain));
  }
}

/** The role of a token comes before the one on record: the operator has said what the issuer's roles mean. */
function withRole(identity: Identity, role: TokenGrants["role"]): Identity {
  if (role === undefined || role === "team" || identity.user === undefined) return identity;
  return { ...identity, user: { ...identity.user, user_role: role } };
}

/** What a key would be that may do what this token may; it is nowhere kept. */
function keyOf(facts: TokenFacts, { models, routes }: TokenGrants): KeyRecord {
  return {
    id: facts.id,
    hash: "",
    key_name: "",
    key_alias: null,
    models: models ?? [ALL_TEAM_MODELS],
    user_id: null,
    team_id: null,
    organization_id: facts.organizationId ?? null,
    // what a user makes with a token may outlive it: it stands under the user, not under the token
    expires: null,
    blocked: false,
    aliases: {},
    metadata: {},
    tags: [],
    allowed_routes: routes,
    router_settings: null,
    ancestor_ids: [],
    created_at: NEVER,
    created_by: facts.id,
    updated_at: NEVER,
    updated_by: facts.id,
  };
}
