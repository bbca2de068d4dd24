import type { IncomingHttpHeaders } from "node:http";
import type { Principal } from "./principal.ts";

/** What a client presented. */
export interface Credentials {
  /** From `Authorization: Bearer`, `x-api-key`, `api-key` or `x-goog-api-key`. */
  readonly key: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly remoteAddress: string | undefined;
}

/**
 * Tells who is calling.
 * Throws `invalid_api_key` for no, malformed, unknown, expired and blocked keys alike, and `auth_unavailable` when it
 * cannot decide: a failure never yields an identity.
 */
export interface Authenticator {
  /** False: the gateway has no keys, everyone is let in as `authenticate` says. Surfaces then listen on loopback only. */
  readonly required: boolean;
  authenticate(credentials: Credentials): Principal | Promise<Principal>;
}
