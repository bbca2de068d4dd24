// A gateway whose answers are kept in a Redis that gets into trouble; with `chain` they are kept in memory before. It tells
// how long calls have waited for the cache.

import { listen } from "@signalbox/express/node";
import type { Cache, Plugin } from "@signalbox/kernel";
import { createGateway, Secret } from "@signalbox/kernel";
import { memoryCache } from "@signalbox/plugin-cache-memory";
import { redisCache } from "@signalbox/plugin-cache-redis";
import { masterKey } from "@signalbox/plugin-config";
import { openai, openaiDialects } from "@signalbox/provider-openai";
import { answer, ready } from "../../probe.ts";
import type { CacheWaits } from "../scenarios/cache.ts";

/** As long as a look that gives up takes. */
const SLOW_MS = 48;

const [upstream = "", key = "", port = "", chain = ""] = process.argv.slice(2);

let slow = 0;
let longestMs = 0;

async function timed<T>(wait: Promise<T>): Promise<T> {
  const startedAt = performance.now();
  try {
    return await wait;
  } finally {
    const ms = performance.now() - startedAt;
    longestMs = Math.max(longestMs, ms);
    if (ms > SLOW_MS) slow += 1;
  }
}

function watched(plugin: Plugin): Plugin {
  const cache = plugin.cache as Cache;
  return {
    ...plugin,
    cache: {
      ...cache,
      find: (call) => timed(cache.find(call)),
      ...(cache.claim !== undefined && { claim: (call, forMs) => timed(Promise.resolve(cache.claim?.(call, forMs))) }),
    },
  };
}

const gateway = await createGateway({
  plugins: [
    { name: "vendors", authenticator: masterKey(key), providers: [openai()], dialects: openaiDialects() },
    ...(chain === "chain" ? [memoryCache({ maxEntries: 20 })] : []),
    watched(redisCache({ port: Number(port), timeoutMs: 50, onUnreachable: "skip" })),
  ],
  deployments: [
    {
      id: "chat-1",
      model: "chat",
      provider: "openai",
      upstreamModel: "echo",
      baseUrl: `${upstream}/v1`,
      apiKey: new Secret("sk-upstream"),
    },
  ],
});
const listener = await listen(gateway, { port: 0 });

answer("waits", (): CacheWaits => {
  const waits = { slow, longestMs };
  slow = 0;
  longestMs = 0;
  return waits;
});
answer("state", () => ({ activeCalls: gateway.activeCalls, heapBytes: process.memoryUsage().heapUsed }));
ready(Number(new URL(listener.url).port));
