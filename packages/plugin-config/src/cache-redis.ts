import { readFileSync } from "node:fs";
import type { ConnectionOptions } from "node:tls";
import { Secret } from "@signalbox/kernel";
import type { CacheValues } from "./cache-values.ts";
import type { Variables } from "./environment.ts";
import type { Source } from "./source.ts";
import type { RedisSettings } from "./store-settings.ts";

/** Where a cache in Redis is: options of `redisCache`. */
export interface CacheRedisSettings extends RedisSettings {
  readonly cluster?: readonly { readonly host: string; readonly port: number }[];
  readonly sentinel?: {
    readonly name: string;
    readonly nodes: readonly { readonly host: string; readonly port: number }[];
    readonly password?: Secret;
  };
  readonly tls?: boolean | ConnectionOptions;
  readonly namespace?: string;
  readonly onUnreachable?: "fail" | "wait" | "skip";
}

const PARAMS = ["litellm_settings", "cache_params"] as const;
const PARTS = ["host", "port", "username", "password", "db"] as const;
const TLS_PARTS = ["ssl_cert_reqs", "ssl_check_hostname", "ssl_ca_certs", "ssl_certfile", "ssl_keyfile"] as const;

/** What the file says, and where it says nothing of an address, the variables `REDIS_…`. */
export function cacheRedis(params: CacheValues, variables: Variables, source: Source): CacheRedisSettings {
  const place = placeOf(params, variables, source);
  const { namespace, on_unreachable: unreachable, ssl } = params;
  const url = place.url?.reveal();
  if (ssl === false && url?.startsWith("rediss:") === true) {
    source.problem(
      [...PARAMS, "ssl"],
      "is false, and the address begins with rediss:, which is TLS",
      "keep one of the two",
    );
  }
  const secure = ssl ?? variables.get("REDIS_SSL")?.toLowerCase() === "true";
  const tls = tlsOf(params, secure || url?.startsWith("rediss:") === true, source);
  return {
    ...place,
    ...(tls !== undefined && { tls }),
    ...(ssl === false && { tls: false }),
    ...(namespace !== undefined && { namespace }),
    ...(unreachable !== undefined && { onUnreachable: unreachable }),
  };
}

function placeOf(params: CacheValues, variables: Variables, source: Source): CacheRedisSettings {
  const { url, host, redis_startup_nodes: cluster, sentinel_nodes: nodes, service_name: name } = params;
  const named = (["url", "host", "redis_startup_nodes", "sentinel_nodes"] as const).filter(
    (key) => params[key] !== undefined,
  );
  if (named.length > 1) {
    const [first, second] = named as [string, string];
    source.problem([...PARAMS, second], `says where Redis is, and so does ${first}`, "keep one of the two");
    return {};
  }
  for (const key of ["service_name", "sentinel_password"] as const) {
    if (params[key] !== undefined && source.lacks(PARAMS, "sentinel_nodes"))
      source.problem([...PARAMS, key], "has no effect alone", "add sentinel_nodes");
  }
  const written = url ?? (named.length === 0 ? variables.get("REDIS_URL") : undefined);
  if (written !== undefined) {
    for (const key of PARTS) {
      if (params[key] !== undefined) source.problem([...PARAMS, key], "belongs into the address of Redis");
    }
    return { url: new Secret(written) };
  }
  const login = loginOf(params, variables);
  if (cluster !== undefined) return { cluster, ...login };
  if (nodes !== undefined) {
    source.missing(PARAMS, "service_name");
    const password = params.sentinel_password;
    return {
      sentinel: { name: name ?? "", nodes, ...(password !== undefined && { password: new Secret(password) }) },
      ...login,
      ...databaseOf(params, variables),
    };
  }
  const where = host ?? variables.get("REDIS_HOST");
  if (where === undefined && !PARTS.some((key) => source.unsure(PARAMS, key)) && !source.unsure(PARAMS, "url")) {
    source.problem(PARAMS, "does not say where Redis is", "add host, or set REDIS_URL");
  }
  const port = params.port ?? number(variables.get("REDIS_PORT"));
  return {
    ...(where !== undefined && { host: where }),
    ...(port !== undefined && { port }),
    ...login,
    ...databaseOf(params, variables),
  };
}

function loginOf(params: CacheValues, variables: Variables): Pick<RedisSettings, "username" | "password"> {
  const username = params.username ?? variables.get("REDIS_USERNAME");
  const password = params.password ?? variables.get("REDIS_PASSWORD");
  return {
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password: new Secret(password) }),
  };
}

function databaseOf(params: CacheValues, variables: Variables): Pick<RedisSettings, "db"> {
  const db = params.db ?? number(variables.get("REDIS_DB"));
  return db === undefined ? {} : { db };
}

/** What is no number stays one that the plugin refuses with its own words. */
function number(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text);
}

function tlsOf(params: CacheValues, secure: boolean, source: Source): boolean | ConnectionOptions | undefined {
  for (const key of TLS_PARTS) {
    if (params[key] !== undefined && !secure && source.lacks(PARAMS, "ssl")) {
      source.problem([...PARAMS, key], "has no effect alone", "add ssl: true");
    }
  }
  if (!secure) return undefined;
  const { ssl_cert_reqs: required, ssl_check_hostname: named } = params;
  const options: ConnectionOptions = {
    ...(required !== undefined && { rejectUnauthorized: required === "required" }),
    ...(named === false && { checkServerIdentity: () => undefined }),
    ...fileOf("ca", "ssl_ca_certs", params, source),
    ...fileOf("cert", "ssl_certfile", params, source),
    ...fileOf("key", "ssl_keyfile", params, source),
  };
  return Object.keys(options).length === 0 ? true : options;
}

function fileOf(
  option: "ca" | "cert" | "key",
  key: "ssl_ca_certs" | "ssl_certfile" | "ssl_keyfile",
  params: CacheValues,
  source: Source,
): ConnectionOptions {
  const file = params[key];
  if (file === undefined) return {};
  try {
    return { [option]: readFileSync(file, "utf8") };
  } catch (error) {
    source.problem([...PARAMS, key], `names a file that cannot be read (${(error as NodeJS.ErrnoException).code})`);
    return {};
  }
}
