import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { prepareRedis } from "../services/redis.ts";
import type { Supervised } from "../services/service.ts";
import { findBinary, freePort, supervise, untilReady } from "../services/service.ts";

/** A Redis of one's own, for tests that hurt it. It keeps nothing on disk. */
export class OwnRedis {
  readonly port: number;
  readonly #settings: readonly string[];
  #server: Supervised | undefined;
  #pid = 0;

  private constructor(port: number, settings: readonly string[]) {
    this.port = port;
    this.#settings = settings;
  }

  static async start(...settings: readonly string[]): Promise<OwnRedis> {
    const own = await OwnRedis.away(...settings);
    await own.start();
    return own;
  }

  /** One that is not there yet. */
  static async away(...settings: readonly string[]): Promise<OwnRedis> {
    await prepareRedis();
    return new OwnRedis(await freePort(), settings);
  }

  /** Again on the same port, and empty. */
  async start(): Promise<void> {
    const binary = findBinary("redis-server", "valkey-server");
    if (binary === undefined) throw new Error("these tests need `redis-server`: install Redis");
    const folder = mkdtempSync(join(tmpdir(), "signalbox-own-redis-"));
    const place = ["--bind", "127.0.0.1", "--port", String(this.port), "--dir", folder, "--save", ""];
    const server = supervise(folder, [binary, ...place, ...this.#settings]);
    this.#server = server;
    await untilReady("Redis", server, async () => {
      const info = String(await this.command("INFO", "server"));
      this.#pid = Number(/process_id:(\d+)/.exec(info)?.[1]);
    });
  }

  async command(name: string, ...args: string[]): Promise<unknown> {
    const password = this.#settings[this.#settings.indexOf("--requirepass") + 1];
    const client = new Redis({
      port: this.port,
      lazyConnect: true,
      maxRetriesPerRequest: 0,
      retryStrategy: () => null,
      ...(this.#settings.includes("--requirepass") && password !== undefined ? { password } : {}),
    });
    client.on("error", () => undefined);
    try {
      await client.connect();
      return await client.call(name, ...args);
    } finally {
      client.disconnect();
    }
  }

  pause(): void {
    process.kill(this.#pid, "SIGSTOP");
  }

  resume(): void {
    process.kill(this.#pid, "SIGCONT");
  }

  async kill(): Promise<void> {
    process.kill(this.#pid, "SIGKILL");
    await this.stop();
  }

  async stop(): Promise<void> {
    await this.#server?.stop();
    this.#server = undefined;
  }
}
