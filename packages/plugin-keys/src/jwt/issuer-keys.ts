import type { JSONWebKeySet, JWTVerifyGetKey } from "jose";
import type { Transport } from "@signalbox/kernel";
import { GatewayError } from "@signalbox/kernel";
import type { JwtIssuer } from "./jwt-options.ts";
import { isIssuerUrl } from "./jwt-settings.ts";

type Jose = typeof import("jose");

const TIMEOUT_MS = 5_000;
const LARGEST = 1024 * 1024;
const RETRY_AFTER_MS = 1_000;
/** Between two questions to an issuer that is down. */
const PAUSE_MS = 5_000;

/** How long keys are good, in milliseconds. */
export interface KeyTimes {
  readonly ttlMs: number;
  readonly maxAgeMs: number;
  readonly cooldownMs: number;
}

interface Held {
  readonly find: JWTVerifyGetKey;
  readonly at: number;
}

/**
 * The public keys of one issuer. They are asked for again when they are due, and when a token names one that is not
 * among them, but never more often than the cool-down allows: tokens that anybody can make up cost an issuer nothing.
 * While it is down, its last keys stay good for a while.
 */
export class IssuerKeys {
  readonly #issuer: JwtIssuer;
  readonly #transport: Transport;
  readonly #times: KeyTimes;
  readonly #now: () => number;
  #held: Held | undefined;
  #askedAt = Number.NEGATIVE_INFINITY;
  #asking: Promise<void> | undefined;
  #failure: string | undefined;

  constructor(issuer: JwtIssuer, parts: { transport: Transport; times: KeyTimes; now: () => number }) {
    this.#issuer = issuer;
    this.#transport = parts.transport;
    this.#times = parts.times;
    this.#now = parts.now;
  }

  /** What went wrong the last time the issuer was asked. */
  get failure(): string | undefined {
    return this.#failure;
  }

  /** For the start: an issuer that is down shows in readiness, and is asked again by the first token. */
  async warm(jose: Jose): Promise<void> {
    await this.#refresh(jose);
    this.#askedAt = this.#failure === undefined ? this.#askedAt : Number.NEGATIVE_INFINITY;
  }

  /**
   * Finds the key that a token was signed with.
   *
   * @throws {GatewayError} `auth_unavailable` when the issuer could not be asked; an error of jose when it has no such key
   */
  async find(
    jose: Jose,
    ...[header, token]: Parameters<JWTVerifyGetKey>
  ): Promise<Awaited<ReturnType<JWTVerifyGetKey>>> {
    if (this.#held === undefined || this.#now() - this.#held.at >= this.#times.ttlMs) {
      const asked = this.#refresh(jose);
      // as long as there are keys, an issuer that hangs is waited for once, not at every token
      if (this.#held === undefined || this.#failure === undefined) await asked;
    }
    const held = this.#usable();
    try {
      return await held.find(header, token);
    } catch (thrown) {
      if (!(thrown instanceof jose.errors.JWKSNoMatchingKey)) throw thrown;
      await this.#refresh(jose);
      const newer = this.#usable();
      // it may be a new one, and nobody can say
      if (newer === held && this.#failure !== undefined) throw this.#unavailable();
      if (newer === held) throw thrown;
      return await newer.find(header, token);
    }
  }

  #usable(): Held {
    const held = this.#held;
    if (held === undefined || this.#now() - held.at >= this.#times.maxAgeMs) throw this.#unavailable();
    return held;
  }

  #unavailable(): GatewayError {
    return new GatewayError("auth_unavailable", "the issuer of this token cannot be asked for its keys; try again", {
      source: "keys",
      retryAfterMs: RETRY_AFTER_MS,
    });
  }

  /** Asks, unless that was just done; one at a time. Failures are kept, not thrown. */
  async #refresh(jose: Jose): Promise<void> {
    if (this.#asking === undefined) {
      const { cooldownMs } = this.#times;
      const pauseMs = this.#failure === undefined ? cooldownMs : Math.min(cooldownMs, PAUSE_MS);
      if (this.#now() - this.#askedAt < pauseMs) return;
      this.#askedAt = this.#now();
      this.#asking = this.#load(jose).finally(() => {
        this.#asking = undefined;
      });
    }
    await this.#asking;
  }

  async #load(jose: Jose): Promise<void> {
    try {
      const keys = (await this.#json(this.#issuer.jwksUrl ?? (await this.#discover()))) as unknown as JSONWebKeySet;
      this.#held = { find: jose.createLocalJWKSet(keys), at: this.#now() };
      this.#failure = undefined;
    } catch (thrown) {
      this.#failure = thrown instanceof Error ? thrown.message : String(thrown);
    }
  }

  /** OpenID Connect Discovery 1.0, section 4: the document must name the issuer that it was asked for. */
  async #discover(): Promise<string> {
    const { issuer, discoveryUrl } = this.#issuer;
    const address = discoveryUrl ?? `${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`;
    const document = await this.#json(address);
    if (document.issuer !== issuer) throw new Error("its discovery document names another issuer");
    const found = document.jwks_uri;
    if (typeof found !== "string" || !isIssuerUrl(found))
      throw new Error("its discovery document names no usable keys");
    if (new URL(found).protocol === "http:" && new URL(found).origin !== new URL(address).origin)
      throw new Error("its discovery document names no usable keys");
    return found;
  }

  async #json(address: string): Promise<Readonly<Record<string, unknown>>> {
    const { origin, pathname, search } = new URL(address);
    const reply = await this.#transport.send({
      method: "GET",
      origin,
      path: pathname + search,
      headers: ["accept", "application/json"],
      timeoutMs: TIMEOUT_MS,
      maxBytes: LARGEST,
    });
    if (reply.status !== 200) throw new Error(`it answered ${reply.status}`);
    const value = JSON.parse(reply.body.toString("utf8")) as unknown;
    if (typeof value !== "object" || value === null) throw new Error("it answered no object");
    return value as Readonly<Record<string, unknown>>;
  }
}
