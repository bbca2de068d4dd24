import { execFile } from "node:child_process";
import { chownSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import pg from "pg";
import { install } from "./install.ts";
import type { Owner, Service } from "./service.ts";
import { findBinary, freePort, ownerOf, supervise, untilReady, withRetries } from "./service.ts";

const WANTED = { name: "PostgreSQL", apt: "postgresql", brew: "postgresql@17", variable: "DATABASE_URL" } as const;

/** Durability costs time and no test here pulls the plug. */
export const POSTGRES_SETTINGS = [
  "listen_addresses=127.0.0.1",
  "unix_socket_directories=",
  "fsync=off",
  "synchronous_commit=off",
  "full_page_writes=off",
  "max_connections=300",
  "shared_buffers=64MB",
];

export async function preparePostgres(): Promise<void> {
  if (process.env.DATABASE_URL || postgresBinaries() !== undefined) return;
  await install(WANTED);
}

/** @param settings of a server that is started here, besides and over the usual ones: `fsync=on` */
export async function startPostgres(settings: readonly string[] = []): Promise<Service> {
  const { DATABASE_URL: given } = process.env;
  if (given) {
    await selectOne(given).catch((error: unknown) => {
      throw new Error("DATABASE_URL is set, but no PostgreSQL answers there: start it, or unset DATABASE_URL", {
        cause: error,
      });
    });
    return { url: given, stop: async () => undefined };
  }
  await preparePostgres();
  const found = postgresBinaries();
  if (found === undefined)
    throw new Error("PostgreSQL was installed, but `initdb` and `postgres` are not where expected");
  return withRetries(() => startOwn(found, settings));
}

async function startOwn(
  { initdb, postgres }: { initdb: string; postgres: string },
  settings: readonly string[],
): Promise<Service> {
  const owner = postgresOwner();
  const folder = mkdtempSync(join(tmpdir(), "signalbox-postgres-"));
  try {
    if (owner) chownSync(folder, owner.uid, owner.gid);
    const data = join(folder, "data");
    const init = ["-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"];
    await promisify(execFile)(initdb, init, { cwd: folder, ...owner });
    const port = await freePort();
    const command = [
      postgres,
      "-D",
      data,
      "-p",
      String(port),
      ...[...POSTGRES_SETTINGS, ...settings].flatMap((setting) => ["-c", setting]),
    ];
    // SIGINT is PostgreSQL's fast shutdown: it does not wait for clients.
    const server = supervise(folder, command, { owner, signal: "SIGINT" });
    const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
    await untilReady("PostgreSQL", server, () => selectOne(url));
    return { url, stop: server.stop };
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

/** Of the newest PostgreSQL that is installed. */
export function postgresBinaries(): { initdb: string; postgres: string } | undefined {
  const [initdb, postgres] = [findBinary("initdb"), findBinary("postgres")];
  return initdb === undefined || postgres === undefined ? undefined : { initdb, postgres };
}

/** PostgreSQL refuses to run as root. */
export function postgresOwner(): Owner | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const owner = ownerOf("postgres") ?? ownerOf("nobody");
  if (owner === undefined)
    throw new Error("PostgreSQL refuses to run as root: add a user `postgres`, or run as another user");
  return owner;
}

/** Whether PostgreSQL answers there. */
export async function selectOne(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  client.on("error", () => undefined);
  try {
    await client.connect();
    await client.query("SELECT 1");
  } finally {
    await client.end().catch(() => undefined);
  }
}
