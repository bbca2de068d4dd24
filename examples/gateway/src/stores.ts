import { mkdirSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { Plugin } from "@signalbox/kernel";
import { GatewayError, Secret } from "@signalbox/kernel";
import type { LoadedConfig, RedisSettings } from "@signalbox/plugin-config";
import type { Environment } from "./catalog.ts";
import type { StartOptions } from "./start.ts";

const DEFAULT_DIRECTORY = "signalbox-data";
/** Said for `--data`: nothing is kept. */
const NOTHING = "memory";
const FILE = "signalbox.db";
const SHORTEST_MONTH_DAYS = 28;

/** Where spend, keys and counters are kept. */
export interface Stores {
  /** Redis before the ledger, which looks for shared counters when it starts. */
  readonly plugins: readonly Plugin[];
  /** `PostgreSQL at db:5432`, `the file /data/signalbox.db`; undefined: in memory only. Never a credential. */
  readonly ledger?: string;
  /** `Redis at cache:6379` */
  readonly redis?: string;
  /** Servers that plugins cannot start without, and where their addresses stand, by the plugins' names. */
  readonly places: Readonly<Record<string, string>>;
}

/**
 * A database that is named, else a file in the data directory where there is something to keep, else memory.
 *
 * @throws {GatewayError} `option_invalid`
 */
export async function storesOf(
  config: LoadedConfig | undefined,
  options: StartOptions,
  env: Environment,
  hasKeys: boolean,
): Promise<Stores> {
  const wait = options.waitForStores === true;
  const redis = await redisOf(config, env, wait);
  const ledger = await ledgerOf(config, options, env, hasKeys);
  return {
    plugins: [...redis.plugins, ...ledger.plugins],
    ...(ledger.name !== undefined && { ledger: ledger.name }),
    ...(redis.name !== undefined && { redis: redis.name }),
    places: { ...redis.places, ...ledger.places },
  };
}

interface Store {
  readonly plugins: readonly Plugin[];
  readonly name?: string;
  readonly places: Readonly<Record<string, string>>;
}

async function redisOf(config: LoadedConfig | undefined, env: Environment, wait: boolean): Promise<Store> {
  const variable = env["REDIS_URL"];
  const given: RedisSettings | undefined =
    config?.stores.redis ?? (set(variable) ? { url: new Secret(variable) } : undefined);
  if (given === undefined) return { plugins: [], places: {} };
  const { redis } = await import("@signalbox/plugin-redis");
  const plugin = redis({ ...given, ...(wait && { onUnreachable: "wait" as const }) });
  const url = given.url === undefined ? undefined : URL.parse(given.url.reveal());
  const host = url?.hostname ?? given.host ?? "127.0.0.1";
  const name = `Redis at ${host}:${(url?.port || given.port) ?? 6379}`;
  const from = config?.stores.redis === undefined ? "REDIS_URL" : "router_settings.redis_…";
  return { plugins: [plugin], name, places: { redis: `${name} (${from})` } };
}

async function ledgerOf(
  config: LoadedConfig | undefined,
  options: StartOptions,
  env: Environment,
  hasKeys: boolean,
): Promise<Store> {
  const inFile = config?.stores.databaseUrl?.reveal();
  const url = inFile ?? (set(env["DATABASE_URL"]) ? env["DATABASE_URL"] : undefined);
  const from = inFile === undefined ? "DATABASE_URL" : "general_settings.database_url";
  const directory = directoryOf(options, env);
  if (url === undefined) return await embedded(config, directory, hasKeys);
  if (/^postgres(ql)?:/.test(url)) return await postgres(url, { config, options, directory: directory.path, from });
  const file = sqliteFile(url);
  if (file !== undefined) return await sqlite(file, config);
  throw new GatewayError(
    "option_invalid",
    `${from} must be postgres://user:password@host:5432/database, or sqlite:///absolute/path of a file`,
  );
}

interface DataDirectory {
  /** Undefined: nothing is to be kept. */
  readonly path: string | undefined;
  /** Somebody asked for it. */
  readonly named: boolean;
}

function directoryOf({ data }: StartOptions, env: Environment): DataDirectory {
  const variable = env["SIGNALBOX_DATA_DIR"];
  const named = data ?? (set(variable) ? variable : undefined);
  return { path: named === NOTHING ? undefined : (named ?? DEFAULT_DIRECTORY), named: named !== undefined };
}

/** Without a database of somebody else's. */
async function embedded(
  config: LoadedConfig | undefined,
  { path, named }: DataDirectory,
  hasKeys: boolean,
): Promise<Store> {
  if (path !== undefined && (hasKeys || named)) {
    makeDirectory(path);
    return await sqlite(join(path, FILE), config);
  }
  // without keys a ledger in memory does, and the plugin of budgets has one
  if (!hasKeys) return { plugins: [], places: {} };
  const { sqliteLedger } = await import("@signalbox/plugin-ledger-sqlite");
  const told = { ok: true, detail: "spend and keys are kept in memory only: both end with this process" };
  return { plugins: [sqliteLedger({ file: ":memory:" }), { name: "data", check: () => told }], places: {} };
}

async function sqlite(file: string, config: LoadedConfig | undefined): Promise<Store> {
  const { sqliteLedger } = await import("@signalbox/plugin-ledger-sqlite");
  const { retentionDays } = config?.stores ?? {};
  const plugin = sqliteLedger({ file: shorter(file), ...(retentionDays !== undefined && { retentionDays }) });
  const name = `the file ${resolve(file)}`;
  return { plugins: [plugin], name, places: {} };
}

interface PostgresParts {
  readonly config: LoadedConfig | undefined;
  readonly options: StartOptions;
  /** Where what is not written yet is kept safe; undefined: nowhere. */
  readonly directory: string | undefined;
  /** Where the address was named. */
  readonly from: string;
}

async function postgres(url: string, { config, options, directory, from }: PostgresParts): Promise<Store> {
  const { postgresLedger } = await import("@signalbox/plugin-ledger-postgres");
  if (directory !== undefined) makeDirectory(directory);
  const { databasePool, databaseTimeoutMs, retentionDays } = config?.stores ?? {};
  const plugin = postgresLedger({
    url,
    ...(directory !== undefined && { spoolDirectory: shorter(join(directory, "spool")) }),
    ...(databasePool !== undefined && { pool: databasePool }),
    ...(databaseTimeoutMs !== undefined && { connectTimeoutMs: databaseTimeoutMs }),
    // whole months, and never less than was asked for
    ...(retentionDays !== undefined && { retentionMonths: Math.ceil(retentionDays / SHORTEST_MONTH_DAYS) + 1 }),
    ...(options.waitForStores === true && { onUnreachable: "wait" as const }),
  });
  const { hostname, port } = URL.parse(url) ?? { hostname: "", port: "" };
  const name = `PostgreSQL at ${hostname === "" ? "this machine" : hostname}:${port === "" ? "5432" : port}`;
  return { plugins: [plugin], name, places: { "ledger-postgres": `${name} (${from})` } };
}

/** The path of `sqlite:///data/spend.db` or `file:/data/spend.db`. */
function sqliteFile(url: string): string | undefined {
  const path = /^sqlite:(?:\/\/)?(\/.+)$/.exec(url)?.[1];
  if (path !== undefined) return decodeURIComponent(path);
  if (!url.startsWith("file:")) return undefined;
  return URL.canParse(url) && url.startsWith("file:/") ? fileURLToPath(url) : url.slice("file:".length);
}

/** Sockets beside the files lock them, and the system takes short names only. */
function shorter(path: string): string {
  const near = relative(process.cwd(), path);
  return near.length < path.length ? near : path;
}

function makeDirectory(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new GatewayError(
      "option_invalid",
      `the data directory ${resolve(path)} cannot be made (${code}); name another with --data, or keep nothing: --data memory`,
      { cause: error },
    );
  }
}

function set(value: string | undefined): value is string {
  return value !== undefined && value !== "";
}
