import { execFile } from "node:child_process";
import { chmodSync, chownSync, mkdirSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Redis } from "ioredis";
import {
  POSTGRES_SETTINGS,
  postgresBinaries,
  postgresOwner,
  preparePostgres,
  selectOne,
} from "../../services/postgres.ts";
import { prepareRedis } from "../../services/redis.ts";
import type { Supervised } from "../../services/service.ts";
import { findBinary, freePort, supervise, untilReady } from "../../services/service.ts";

/** A server of the run's own, whose data outlives its restarts. */
export interface OwnServer {
  readonly port: number;
  readonly url: string;
  start(): Promise<void>;
  /** Ends it in good order; the data stays. */
  stop(): Promise<void>;
}

/** A Redis that writes every command to its log before it answers. */
export async function ownRedis(folder: string): Promise<OwnServer & { command(...words: string[]): Promise<void> }> {
  await prepareRedis();
  const binary = findBinary("redis-server", "valkey-server");
  if (binary === undefined) throw new Error("`redis-server` is not where expected");
  const data = join(folder, "redis");
  mkdirSync(data);
  const port = await freePort();
  const url = `redis://127.0.0.1:${port}`;
  const settings = ["--bind", "127.0.0.1", "--port", String(port), "--dir", data, "--save", "", "--appendonly", "yes"];
  const run = async (words: readonly [string, ...string[]]): Promise<void> => {
    const client = new Redis(url, { lazyConnect: true, maxRetriesPerRequest: 0, retryStrategy: () => null });
    client.on("error", () => undefined);
    try {
      await client.connect();
      await client.call(...words);
    } finally {
      client.disconnect();
    }
  };
  return withData(port, url, {
    start: () => supervise(mkdtempSync(join(tmpdir(), "money-redis-")), [binary, ...settings]),
    probe: () => run(["PING"]),
    name: "Redis",
    more: { command: (...words: string[]) => run(words as [string, ...string[]]) },
  });
}

/** A PostgreSQL whose commits survive its end. */
export async function ownPostgres(folder: string): Promise<OwnServer> {
  await preparePostgres();
  const binaries = postgresBinaries();
  if (binaries === undefined) throw new Error("`initdb` and `postgres` are not where expected");
  const owner = postgresOwner();
  const home = join(folder, "postgres");
  mkdirSync(home);
  if (owner) {
    chmodSync(folder, 0o711);
    chownSync(home, owner.uid, owner.gid);
  }
  const data = join(home, "data");
  const words = ["-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"];
  await promisify(execFile)(binaries.initdb, words, { cwd: home, ...owner });
  const port = await freePort();
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
  const settings = [...POSTGRES_SETTINGS, "synchronous_commit=on"].flatMap((setting) => ["-c", setting]);
  const start = (): Supervised => {
    const place = mkdtempSync(join(tmpdir(), "money-postgres-"));
    if (owner) chownSync(place, owner.uid, owner.gid);
    const command = [binaries.postgres, "-D", data, "-p", String(port), ...settings];
    return supervise(place, command, { owner, signal: "SIGINT" });
  };
  return withData(port, url, { start, probe: () => selectOne(url), name: "PostgreSQL", more: {} });
}

interface Parts<More> {
  readonly name: string;
  readonly more: More;
  start(): Supervised;
  probe(): Promise<void>;
}

async function withData<More extends object>(port: number, url: string, parts: Parts<More>): Promise<OwnServer & More> {
  let server: Supervised | undefined;
  const own: OwnServer = {
    port,
    url,
    async start() {
      const started = parts.start();
      server = started;
      await untilReady(parts.name, started, parts.probe);
    },
    async stop() {
      await server?.stop();
      server = undefined;
    },
  };
  await own.start();
  return Object.assign(own, parts.more);
}
