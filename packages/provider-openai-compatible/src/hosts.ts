import { didYouMean, GatewayError } from "@signalbox/kernel";
import type { Host, HostRow } from "./host.ts";
import { HOSTS_A_TO_F } from "./hosts/hosts-a-f.ts";
import { HOSTS_G_TO_M } from "./hosts/hosts-g-m.ts";
import { HOSTS_N_TO_R } from "./hosts/hosts-n-r.ts";
import { HOSTS_S_TO_Z } from "./hosts/hosts-s-z.ts";
import { DEFAULT_QUIRKS, QUIRKS, RESELLER_QUIRKS } from "./quirks.ts";

/** Environment variables, as the application passes them: this package never reads `process.env` itself. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Every known host, by id. */
export const HOSTS: readonly Host[] = [...HOSTS_A_TO_F, ...HOSTS_G_TO_M, ...HOSTS_N_TO_R, ...HOSTS_S_TO_Z].map(
  complete,
);

const BY_SLUG: ReadonlyMap<string, Host> = new Map(
  HOSTS.flatMap((host) => [host.id, ...(host.aliases ?? [])].map((slug) => [plain(slug), host] as const)),
);

/** The host with this id or alias. Case does not count, and `_`, `-` and `.` are one. */
export function findHost(slug: string): Host | undefined {
  return BY_SLUG.get(plain(slug));
}

/** @throws {GatewayError} `option_invalid` with the nearest names */
export function hostNamed(slug: string): Host {
  const host = findHost(slug);
  if (host !== undefined) return host;
  const known = HOSTS.flatMap(({ id, aliases }) => [id, ...(aliases ?? [])]);
  throw new GatewayError("option_invalid", `there is no host ${JSON.stringify(slug)}.${didYouMean(slug, known)}`);
}

/**
 * The hosts for which the environment holds what they need: an API key, and what the base URL is made of. Servers of
 * one's own count when their address is set. Of several regions or plans with the same variable only the main one
 * counts.
 */
export function hostsWithKeys(env: Environment): readonly Host[] {
  return HOSTS.filter((host) => {
    if (host.variantOf !== undefined) return false;
    const names = placeholders(host.baseUrl);
    if (firstSet(host.baseUrlEnv, env) === undefined && names.some((name) => !isSet(env[name]))) return false;
    if (host.keyOptional !== true) return firstSet(host.env, env) !== undefined;
    return names.length > 0 || firstSet(host.baseUrlEnv, env) !== undefined;
  });
}

/** Value of the first of these variables that is set. */
export function firstSet(names: readonly string[] | undefined, env: Environment): string | undefined {
  return names?.map((name) => env[name]).find(isSet);
}

export function isSet(value: string | undefined): value is string {
  return value !== undefined && value.trim() !== "";
}

/** Names of the variables in a base URL. */
export function placeholders(baseUrl: string): readonly string[] {
  return [...baseUrl.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? "");
}

function complete(row: HostRow): Host {
  const path = /^(?:https?:\/\/)?[^/]*(\/.*)?$/.exec(row.baseUrl)?.[1] ?? "";
  const quirks = QUIRKS[row.id] ?? (row.reseller === true ? RESELLER_QUIRKS : DEFAULT_QUIRKS);
  return { ...row, pathPrefix: path.includes("{") ? "" : path, quirks };
}

function plain(slug: string): string {
  return slug.toLowerCase().replace(/[_.]/g, "-");
}
