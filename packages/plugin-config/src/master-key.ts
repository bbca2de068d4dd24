import { createHmac, hash, randomBytes, timingSafeEqual } from "node:crypto";
import type { Authenticator, Principal } from "@signalbox/kernel";
import { GatewayError, Secret } from "@signalbox/kernel";

const MASTER: Principal = { id: "master", kind: "master", admin: true, models: ["*"] };

/**
 * Lets in who presents the one key. Kept in memory is an HMAC-SHA-256 under a random pepper of this process over the
 * SHA-256 of the key; never the key.
 */
export function masterKey(key: Secret | string): Authenticator {
  const pepper = randomBytes(32);
  const digest = (credential: string): Buffer =>
    createHmac("sha256", pepper)
      .update(hash("sha256", credential, "buffer"))
      .digest();
  const expected = digest(key instanceof Secret ? key.reveal() : key);

  // An HMAC object per request costs several microseconds; a hash of pepper and whole credential less than one.
  // It is remembered for the one credential that passed the full comparison, so there is no more than one entry.
  const prefix = randomBytes(32).toString("hex");
  let accepted: string | undefined;

  return {
    required: true,
    authenticate({ key: presented }) {
      if (presented === undefined || presented === "") throw invalidKey();
      const seen = hash("sha256", prefix + presented);
      if (seen === accepted) return MASTER;
      if (!timingSafeEqual(digest(presented), expected)) throw invalidKey();
      accepted = seen;
      return MASTER;
    },
  };
}

/** The same words for every kind of wrong key. */
function invalidKey(): GatewayError {
  return new GatewayError(
    "invalid_api_key",
    'the API key is missing or not valid; send it as "Authorization: Bearer <key>"',
  );
}
