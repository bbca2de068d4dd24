import { z } from "zod";
import { isKnownRoute } from "../auth/route-grants.ts";
import type { JwtOptions } from "./jwt-options.ts";

const DAY_MS = 86_400_000;
const SHORTEST_COOLDOWN_MS = 100;

/** Signatures that only the issuer can make. */
const ALGORITHMS = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
  "Ed25519",
] as const;

const LOOPBACK = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

const name = z.string().min(1).max(512);
const path = name;
const url = z
  .string()
  .refine(isIssuerUrl, "must be an https address without credentials; http only on a loopback address");
const routes = z.array(name.refine(isKnownRoute, "must begin with / or be a word such as llm_api_routes"));
const names = z.array(name);
const role = z.enum(["proxy_admin", "proxy_admin_viewer", "internal_user", "internal_user_viewer", "team"]);

/** The option `jwt`. */
export const jwtOptions: z.ZodType<JwtOptions> = z.strictObject({
  issuers: z
    .array(
      z.strictObject({
        issuer: url,
        audience: z.union([name, names.min(1)]),
        jwksUrl: url.exactOptional(),
        discoveryUrl: url.exactOptional(),
        algorithms: z.array(z.enum(ALGORITHMS)).min(1).exactOptional(),
        clockToleranceSeconds: z.number().min(0).max(300).exactOptional(),
        emailsVerified: z.boolean().exactOptional(),
      }),
    )
    .min(1)
    .refine((all) => new Set(all.map(({ issuer }) => issuer)).size === all.length, "must not name an issuer twice"),
  claims: z
    .strictObject({
      userId: path.exactOptional(),
      email: path.exactOptional(),
      teamId: path.exactOptional(),
      teamIds: path.exactOptional(),
      organizationId: path.exactOptional(),
      endUserId: path.exactOptional(),
      roles: z.union([path, z.array(path).min(1)]).exactOptional(),
      models: path.exactOptional(),
    })
    .exactOptional(),
  adminScope: name.exactOptional(),
  adminAllowedRoutes: routes.exactOptional(),
  teamAllowedRoutes: routes.exactOptional(),
  roleMappings: z.array(z.strictObject({ role: name, internalRole: role })).exactOptional(),
  requireRole: z.boolean().exactOptional(),
  rolePermissions: z
    .array(z.strictObject({ role, models: names.exactOptional(), routes: routes.exactOptional() }))
    .exactOptional(),
  scopeMappings: z
    .array(z.strictObject({ scope: name, models: names.exactOptional(), routes: routes.exactOptional() }))
    .exactOptional(),
  userIdUpsert: z.boolean().exactOptional(),
  teamIdUpsert: z.boolean().exactOptional(),
  allowedEmailDomain: name.regex(/^[^@\s]+$/, 'must be a domain such as "example.com"').exactOptional(),
  publicKeyTtlMs: z.number().min(1_000).max(DAY_MS).exactOptional(),
  publicKeyMaxAgeMs: z
    .number()
    .min(1_000)
    .max(30 * DAY_MS)
    .exactOptional(),
  publicKeyCooldownMs: z.number().min(SHORTEST_COOLDOWN_MS).max(DAY_MS).exactOptional(),
});

/** Whether an address is fit to be asked for keys. */
export function isIssuerUrl(text: string): boolean {
  const parsed = URL.canParse(text) ? new URL(text) : undefined;
  if (parsed === undefined || parsed.username !== "" || parsed.password !== "") return false;
  return parsed.protocol === "https:" || (parsed.protocol === "http:" && LOOPBACK.test(parsed.hostname));
}
