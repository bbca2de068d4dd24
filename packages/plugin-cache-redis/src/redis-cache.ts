import type { Cache, Call, Health, OperationName, Plugin, Recording } from "@signalbox/kernel";
import { cacheKey, GatewayError } from "@signalbox/kernel";
import { Connection, RedisFailure } from "@signalbox/plugin-redis/connection";
import { Answers } from "./answers.ts";
import { checkOptions } from "./check-options.ts";
import { claim } from "./claims.ts";
import { clearAnswers } from "./clear.ts";
import { infoRoute } from "./info-route.ts";
import { Keys } from "./keys.ts";
import type { RedisCacheOptions } from "./options.ts";

const NAME = "cache-redis";
const MEBIBYTE = 1_048_576;
const COMPRESS_FROM = 2_048;
/** Within the second that readiness has. */
const CHECK_MS = 800;

/**
 * Keeps answers in Redis, for all processes of a gateway. A Redis that is slow or away costs a call at most `timeoutMs`
 * (default 50), after five failures nothing, and is asked again by one call every second, later every eight.
 *
 * @throws {GatewayError} `option_invalid` naming the option; at start `plugin_setup_failed` when Redis is not there
 */
export function redisCache(options: RedisCacheOptions = {}): Plugin {
  checkOptions(options);
  const { namespace = "signalbox", onUnreachable = "fail" } = options;
  const { maxEntryBytes = MEBIBYTE, compressFromBytes = COMPRESS_FROM } = options;
  const connection = new Connection(options);
  const keys = new Keys(namespace);
  const answers = new Answers(connection, keys, { maxEntryBytes, compressFromBytes });
  let opening: Promise<void> | undefined;

  const cache: Cache = {
    async find<Name extends OperationName>(call: Call<Name>) {
      try {
        return (await answers.find(cacheKey(call as unknown as Call))) as unknown as Recording<Name> | undefined;
      } catch (error) {
        call.trace.note("cache", without(error));
        return undefined;
      }
    },
    async keep(call, recording) {
      await answers.keep(cacheKey(call as unknown as Call), recording as unknown as Recording);
    },
    async forget(call) {
      await answers.forget(cacheKey(call)).catch(without);
    },
    async claim(call, forMs) {
      try {
        return await claim(connection, keys.claim(cacheKey(call)), forMs);
      } catch (error) {
        without(error);
        return undefined;
      }
    },
    clear: async (selection) => await answered(clearAnswers(connection, keys, selection)),
    stats: () => answers.stats(),
    ping: () => health(connection),
  };

  return {
    name: NAME,
    cache,
    routes: [infoRoute(connection)],
    async setup() {
      const opened = connection.open(onUnreachable !== "fail");
      if (onUnreachable === "skip") opening = opened.catch(() => undefined);
      else await opened.catch(refuseToStart);
    },
    async check() {
      const { ok, detail } = await health(connection);
      if (!ok) return { ok: true, detail: `answers are not cached: ${detail}` };
      const { hits, misses, refused } = answers.stats();
      return { ok: true, detail: `${hits} hits, ${misses} misses, ${refused} answers not kept` };
    },
    async close() {
      connection.close();
      await opening;
    },
  };
}

/** What a call goes without. Anything but a failure of Redis is a bug, and not hidden. */
function without(error: unknown): string {
  if (error instanceof RedisFailure) return error.message;
  throw error;
}

async function answered<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof RedisFailure)) throw error;
    throw new GatewayError("overloaded", `the cache cannot be cleared: ${error.message}`, {
      source: NAME,
      retryAfterMs: Math.max(1_000, error.retryAfterMs),
      cause: error,
    });
  }
}

async function health(connection: Connection): Promise<Health> {
  try {
    await connection.background(CHECK_MS, (client) => client.ping());
    return { ok: true };
  } catch (error) {
    return { ok: false, detail: without(error) };
  }
}

function refuseToStart(error: unknown): never {
  throw new GatewayError("plugin_setup_failed", `${NAME}: ${without(error)}`, { source: NAME, cause: error });
}
