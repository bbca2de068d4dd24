import { hash, randomBytes, timingSafeEqual } from "node:crypto";
import type { Authenticator, Credentials, Principal, Secret } from "@signalbox/kernel";
import { GatewayError } from "@signalbox/kernel";
import type { TokenIdentities, TokenIdentity } from "../jwt/token-identities.ts";
import { isToken } from "../jwt/verify-tokens.ts";
import type { Identities, Identity } from "./identity.ts";
import { organizationOf } from "./identity.ts";
import type { KeyHasher } from "./key-hash.ts";
import { isKey } from "./key-hash.ts";
import { principalOf } from "./principal-of.ts";

interface Known extends TokenIdentity {
  /** Of the identities when this was made. */
  readonly version: number;
  readonly freshUntil: number;
}

const REMEMBERED_MS = 1_000;

/** What an authenticator needs. */
export interface AuthenticatorParts {
  readonly hasher: KeyHasher;
  readonly masterKeys: readonly Secret[];
  readonly size: number;
  readonly now: () => number;
  /** Undefined until the gateway has started. */
  readonly identities: () => Identities | undefined;
  /** Undefined until the gateway has started, and where tokens are not accepted. */
  readonly tokens: () => TokenIdentities | undefined;
}

/**
 * Tells who presents a key. Master keys are compared in constant time, all of them each time; a virtual key is found by
 * its keyed hash alone, so that no part of it is ever compared. What was found is remembered under a hash of the whole
 * credential.
 */
export class KeyAuthenticator implements Authenticator {
  readonly required: boolean = true;
  readonly #parts: AuthenticatorParts;
  readonly #masters: readonly { readonly digest: Buffer; readonly principal: Principal }[];
  /** Of this process: what is remembered cannot be computed from a key alone. */
  readonly #prefix: string = randomBytes(32).toString("hex");
  readonly #known = new Map<string, Known>();
  readonly #accepted = new Map<string, Principal>();
  readonly #identities = new WeakMap<Principal, Identity>();
  #version = 0;

  constructor(parts: AuthenticatorParts) {
    this.#parts = parts;
    const { masterKeys, hasher } = parts;
    this.#masters = masterKeys.map((key, index) => ({
      digest: Buffer.from(hasher.hash(key.reveal()), "hex"),
      principal: { id: index === 0 ? "master" : `master-${index + 1}`, kind: "master", admin: true, models: ["*"] },
    }));
  }

  authenticate({ key }: Credentials): Principal | Promise<Principal> {
    if (key === undefined || key === "") throw invalidKey();
    const name = hash("sha256", this.#prefix + key);
    const master = this.#accepted.get(name);
    if (master !== undefined) return master;
    const known = this.#known.get(name);
    const now = this.#parts.now();
    if (known !== undefined && known.version === this.#version && now < known.freshUntil) return valid(known, now);
    return this.#identify(key, name);
  }

  /** The records behind a principal that this authenticator has made. */
  identityOf(principal: Principal): Identity | undefined {
    return this.#identities.get(principal);
  }

  /** Something that principals are made of has changed: they are made again. */
  changed(): void {
    this.#version++;
  }

  #identify(key: string, name: string): Principal | Promise<Principal> {
    const stored = this.#parts.hasher.hash(key);
    const master = this.#masterOf(Buffer.from(stored, "hex"));
    if (master !== undefined) {
      this.#accepted.set(name, master);
      return master;
    }
    if (isKey(key)) return this.#find(name, () => this.#keyOf(stored));
    const tokens = this.#parts.tokens();
    if (tokens === undefined || !isToken(key)) throw invalidKey();
    return this.#find(name, () => tokens.find(key, name));
  }

  #masterOf(digest: Buffer): Principal | undefined {
    let found: Principal | undefined;
    for (const { digest: expected, principal } of this.#masters) {
      if (timingSafeEqual(digest, expected)) found ??= principal;
    }
    return found;
  }

  async #keyOf(stored: string): Promise<TokenIdentity | undefined> {
    const identities = this.#parts.identities();
    if (identities === undefined) {
      throw new GatewayError("auth_unavailable", "the gateway is still starting", { retryAfterMs: 1_000 });
    }
    const identity = await identities.find(stored);
    if (identity === undefined) return undefined;
    const { expires } = identity.key;
    const expiresAt = expires === null ? Number.POSITIVE_INFINITY : Date.parse(expires);
    return { identity, principal: principalOf(identity), expiresAt };
  }

  async #find(name: string, look: () => Promise<TokenIdentity | undefined>): Promise<Principal> {
    const version = this.#version;
    const found = await look();
    const now = this.#parts.now();
    if (found === undefined) {
      this.#known.delete(name);
      throw invalidKey();
    }
    this.#identities.set(found.principal, found.identity);
    // short, so that copies which are used in place of a silent store end in time
    const known: Known = { ...found, version, freshUntil: now + REMEMBERED_MS };
    this.#remember(name, known);
    return valid(known, now);
  }

  #remember(name: string, known: Known): void {
    this.#known.delete(name);
    this.#known.set(name, known);
    if (this.#known.size <= this.#parts.size) return;
    for (const oldest of this.#known.keys()) {
      this.#known.delete(oldest);
      break;
    }
  }
}

/** @throws {GatewayError} `invalid_api_key`, `account_blocked` */
function valid({ principal, identity, expiresAt }: Known, now: number): Principal {
  const { key, ancestors, user, team, organization } = identity;
  if (key.blocked || now >= expiresAt || ancestors.some((above) => above === undefined || above.blocked))
    throw invalidKey();
  // a level that the key names and that is gone has taken its rights with it
  const gone =
    (key.user_id !== null && user === undefined) ||
    (key.team_id !== null && team === undefined) ||
    (organizationOf(key, team, user) !== null && organization === undefined);
  if (gone) throw invalidKey();
  if (team?.blocked === true) throw blocked("team");
  if (organization?.blocked === true) throw blocked("organisation");
  if (user?.blocked === true) throw blocked("user");
  return principal;
}

function blocked(what: string): GatewayError {
  return new GatewayError("account_blocked", `the ${what} of this key is blocked`);
}

/** The same words for every kind of wrong key. */
function invalidKey(): GatewayError {
  return new GatewayError(
    "invalid_api_key",
    'the API key is missing or not valid; send it as "Authorization: Bearer <key>"',
  );
}
