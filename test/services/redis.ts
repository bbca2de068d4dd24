import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { install } from "./install.ts";
import type { Service } from "./service.ts";
import { findBinary, freePort, supervise, untilReady, withRetries } from "./service.ts";

const WANTED = { name: "Redis", apt: "redis-server", brew: "redis", variable: "REDIS_URL" } as const;

export async function prepareRedis(): Promise<void> {
  if (process.env.REDIS_URL || binary() !== undefined) return;
  await install(WANTED);
}

export async function startRedis(): Promise<Service> {
  const { REDIS_URL: given } = process.env;
  if (given) {
    await ping(given).catch((error: unknown) => {
      throw new Error("REDIS_URL is set, but no Redis answers there: start it, or unset REDIS_URL", { cause: error });
    });
    return { url: given, stop: async () => undefined };
  }
  await prepareRedis();
  const found = binary();
  if (found === undefined) throw new Error("Redis was installed, but `redis-server` is not where expected");
  return withRetries(() => startOwn(found));
}

async function startOwn(redis: string): Promise<Service> {
  const folder = mkdtempSync(join(tmpdir(), "signalbox-redis-"));
  const port = await freePort();
  const settings = ["--bind", "127.0.0.1", "--port", String(port), "--dir", folder, "--save", "", "--appendonly", "no"];
  const server = supervise(folder, [redis, ...settings]);
  const url = `redis://127.0.0.1:${port}`;
  await untilReady("Redis", server, () => ping(url));
  return { url, stop: server.stop };
}

function binary(): string | undefined {
  return findBinary("redis-server", "valkey-server");
}

async function ping(url: string): Promise<void> {
  const client = new Redis(url, {
    lazyConnect: true,
    connectTimeout: 5_000,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  });
  client.on("error", () => undefined);
  try {
    await client.connect();
    await client.ping();
  } finally {
    client.disconnect();
  }
}
