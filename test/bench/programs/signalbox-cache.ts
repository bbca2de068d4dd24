// Signalbox with a cache: `memory`, `redis`, or `miss`, a cache that looks, keeps, and never has the answer. With `off`
// there is none.

import { listen } from "@signalbox/express/node";
import type { Cache, Call, ChatRequest, Plugin } from "@signalbox/kernel";
import { cacheKey, createGateway, Secret } from "@signalbox/kernel";
import { JsonBody } from "@signalbox/kernel/http";
import { memoryCache } from "@signalbox/plugin-cache-memory";
import { redisCache } from "@signalbox/plugin-cache-redis";
import { masterKey } from "@signalbox/plugin-config";
import { openai, openaiDialects } from "@signalbox/provider-openai";
import { answer, ready } from "../../probe.ts";

const [upstream = "", key = "", store = "", port = ""] = process.argv.slice(2);

function caches(): readonly Plugin[] {
  if (store === "off") return [];
  if (store === "redis") return [redisCache({ port: Number(port) })];
  const plugin = memoryCache();
  if (store === "memory") return [plugin];
  const cache = plugin.cache as Cache;
  const find: Cache["find"] = async (call) => {
    await cache.find(call);
    return undefined;
  };
  return [{ ...plugin, cache: { ...cache, find } }];
}

const gateway = await createGateway({
  plugins: [
    { name: "bench", authenticator: masterKey(key), providers: [openai()], dialects: openaiDialects() },
    ...caches(),
  ],
  // equal requests that miss would ask once
  caching: { singleFlight: store !== "miss" },
  deployments: [
    {
      id: "bench-1",
      model: "bench",
      provider: "openai",
      upstreamModel: "gpt-4.1-mini",
      baseUrl: `${upstream}/v1`,
      apiKey: new Secret("sk-upstream"),
    },
  ],
});
const { url } = await listen(gateway, { port: 0 });

const RUNS = 300;

/** The median of the milliseconds that the key of a request of so many bytes takes. */
function keyMs({ bytes, native }: { readonly bytes: number; readonly native: boolean }): number {
  const words = "What the weather was like, and what it may be — in «Paris», say.\n";
  const messages = Array.from({ length: 200 }, (_, at) => ({
    role: at % 2 === 0 ? "user" : "assistant",
    content: words.repeat(Math.ceil(bytes / 200 / words.length)),
  }));
  const body = JsonBody.parse(Buffer.from(JSON.stringify({ model: "bench", temperature: 0.5, messages })));
  const request = {
    model: "bench",
    temperature: 0.5,
    messages: messages.map(({ role, content }) => ({ role, content: [{ type: "text", text: content }] })),
  } as ChatRequest;
  const times: number[] = [];
  for (let run = 0; run < RUNS; run++) {
    const call = {
      operation: "chat",
      request,
      model: "bench",
      principal: { id: "k", teamId: "t", organizationId: "o" },
      options: {},
      state: new Map(),
      ...(native && { native: { dialect: "openai-chat", request, body, edits: {}, headers: [] } }),
    } as unknown as Call;
    const startedAt = performance.now();
    cacheKey(call);
    times.push(performance.now() - startedAt);
  }
  return times.toSorted((one, other) => one - other)[RUNS >> 1] as number;
}

answer("keyMs", keyMs);
ready(Number(new URL(url).port));
