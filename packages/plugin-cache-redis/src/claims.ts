import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import type { CacheClaim } from "@signalbox/kernel";
import type { Connection } from "@signalbox/plugin-redis/connection";
import { Script } from "@signalbox/plugin-redis/connection";

const FIRST_LOOK_MS = 5;
const LONGEST_LOOK_MS = 100;
const BACKGROUND_MS = 1_000;
/** Who dies with a claim is waited for no longer than this. */
const LEASE_MS = 3_000;
const RENEW_MS = 1_000;

/** Only who holds a claim gives it back. */
const RELEASE = new Script(`
if redis.call("GET", KEYS[1]) == ARGV[1] then return redis.call("DEL", KEYS[1]) end
return 0`);

const RENEW = new Script(`
if redis.call("GET", KEYS[1]) == ARGV[1] then return redis.call("PEXPIRE", KEYS[1], ARGV[2]) end
return 0`);

/** Takes the claim, unless another process has it. */
export async function claim(connection: Connection, key: string, forMs: number): Promise<CacheClaim> {
  const token = randomUUID();
  const until = performance.now() + forMs;
  const leaseMs = Math.min(forMs, LEASE_MS);
  const taken = await connection.run((client) => client.set(key, token, "PX", leaseMs, "NX"));
  if (taken !== "OK") return { mine: false, settled: (signal) => settled(connection, key, forMs, signal) };
  const renewing = setInterval(() => {
    const left = Math.min(LEASE_MS, Math.floor(until - performance.now()));
    if (left <= 0) clearInterval(renewing);
    // a claim that is lost costs another call upstream
    else connection.evaluate(RENEW, { key, args: [token, left], backgroundMs: BACKGROUND_MS }).catch(() => undefined);
  }, RENEW_MS).unref();
  return {
    mine: true,
    async release() {
      clearInterval(renewing);
      await connection.evaluate(RELEASE, { key, args: [token], backgroundMs: BACKGROUND_MS });
    },
  };
}

/** Until the claim is given back or has run out, or the caller leaves. */
async function settled(connection: Connection, key: string, forMs: number, signal: AbortSignal): Promise<void> {
  const until = performance.now() + forMs;
  let waitMs = FIRST_LOOK_MS;
  while (performance.now() < until) {
    await pause(waitMs, undefined, { signal }).catch(() => {
      throw signal.reason;
    });
    if ((await connection.run((client) => client.exists(key))) === 0) return;
    waitMs = Math.min(waitMs * 1.5, LONGEST_LOOK_MS);
  }
}
