import { createHmac, hash, randomBytes } from "node:crypto";
import type { Secret } from "@signalbox/kernel";

/** What a virtual key looks like; anything else never reaches a store. */
const KEY = /^sk-[A-Za-z0-9._~-]{1,252}$/;

const RANDOM_BYTES = 32;

/** Makes what is stored of a key: HMAC-SHA-256 under the pepper over the SHA-256 of the whole key. */
export class KeyHasher {
  readonly #pepper: Secret;

  constructor(pepper: Secret) {
    this.#pepper = pepper;
  }

  hash(key: string): string {
    return this.#seal(hash("sha256", key, "buffer"));
  }

  /** From the plain SHA-256 in hex, as key tables elsewhere hold it. */
  hashImported(sha256: string): string {
    return this.#seal(Buffer.from(sha256, "hex"));
  }

  #seal(digest: Buffer): string {
    return createHmac("sha256", this.#pepper.reveal()).update(digest).digest("hex");
  }
}

/** Whether a presented credential can be a virtual key. */
export function isKey(text: string): boolean {
  return KEY.test(text);
}

/** A new key: `sk-` and 32 random bytes. */
export function newKey(): string {
  return `sk-${randomBytes(RANDOM_BYTES).toString("base64url")}`;
}

/** What is shown of a key ever after. */
export function shownKey(key: string): string {
  return `sk-...${key.slice(-4)}`;
}
