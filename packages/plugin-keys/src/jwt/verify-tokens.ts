import type { JWTPayload } from "jose";
import type { Transport } from "@signalbox/kernel";
import { GatewayError } from "@signalbox/kernel";
import { IssuerKeys } from "./issuer-keys.ts";
import type { JwtIssuer, JwtOptions } from "./jwt-options.ts";

type Jose = typeof import("jose");

const ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA"];
const CLOCK_TOLERANCE_S = 30;
const LONGEST_TOKEN = 12_288;
const TOKEN = /^ey[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;

/** A token whose signature, issuer, audience and time are right. */
export interface CheckedToken {
  readonly payload: JWTPayload;
  readonly issuer: JwtIssuer;
  /** Epoch milliseconds. */
  readonly expiresAt: number;
}

/** Whether a credential can be a signed token; one without a signature cannot. */
export function isToken(text: string): boolean {
  return text.length <= LONGEST_TOKEN && TOKEN.test(text);
}

/** Checks tokens. What it needs for that is loaded when the gateway starts, and only where there are issuers. */
export class TokenVerifier {
  readonly #jose: Jose;
  readonly #issuers: ReadonlyMap<string, { readonly issuer: JwtIssuer; readonly keys: IssuerKeys }>;

  private constructor(jose: Jose, issuers: ReadonlyMap<string, { issuer: JwtIssuer; keys: IssuerKeys }>) {
    this.#jose = jose;
    this.#issuers = issuers;
  }

  static async create(options: JwtOptions, transport: Transport, now: () => number): Promise<TokenVerifier> {
    const jose = await import("jose");
    const times = {
      ttlMs: options.publicKeyTtlMs ?? 600_000,
      maxAgeMs: Math.max(options.publicKeyMaxAgeMs ?? 86_400_000, options.publicKeyTtlMs ?? 600_000),
      cooldownMs: options.publicKeyCooldownMs ?? 30_000,
    };
    const issuers = new Map(
      options.issuers.map((issuer) => [
        issuer.issuer,
        { issuer, keys: new IssuerKeys(issuer, { transport, times, now }) },
      ]),
    );
    await Promise.all([...issuers.values()].map(({ keys }) => keys.warm(jose)));
    return new TokenVerifier(jose, issuers);
  }

  /** Issuers whose keys could not be had, with the reason. */
  get failures(): readonly string[] {
    return [...this.#issuers.values()].flatMap(({ issuer, keys }) =>
      keys.failure === undefined ? [] : [`the keys of ${issuer.issuer} cannot be had: ${keys.failure}`],
    );
  }

  /**
   * Undefined: it is not valid, for whatever reason.
   *
   * @throws {GatewayError} `auth_unavailable`
   */
  async check(token: string): Promise<CheckedToken | undefined> {
    const jose = this.#jose;
    try {
      const { iss } = jose.decodeJwt(token);
      const known = this.#issuers.get(iss ?? "");
      if (known === undefined) return undefined;
      const { issuer, keys } = known;
      const clockTolerance = issuer.clockToleranceSeconds ?? CLOCK_TOLERANCE_S;
      const { payload } = await jose.jwtVerify(token, (header, flattened) => keys.find(jose, header, flattened), {
        issuer: issuer.issuer,
        audience: [issuer.audience].flat(),
        algorithms: [...(issuer.algorithms ?? ALGORITHMS)],
        clockTolerance,
        requiredClaims: ["exp"],
      });
      return { payload, issuer, expiresAt: ((payload.exp as number) + clockTolerance) * 1_000 };
    } catch (thrown) {
      if (thrown instanceof GatewayError) throw thrown;
      if (thrown instanceof jose.errors.JOSEError || thrown instanceof TypeError) return undefined;
      // a key that cannot be used: the issuer's fault, not the caller's
      throw new GatewayError("auth_unavailable", "this token cannot be checked now; try again", {
        source: "keys",
        retryAfterMs: 1_000,
        cause: thrown,
      });
    }
  }
}
