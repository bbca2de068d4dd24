import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, expect, it } from "vitest";
import { listen } from "@signalbox/express/node";
import type { Plugin } from "@signalbox/kernel";
import { createGateway } from "@signalbox/kernel";
import { limits } from "@signalbox/plugin-limits";
import { redis } from "@signalbox/plugin-redis";
import { mock } from "@signalbox/provider-mock";
import { openaiDialects } from "@signalbox/provider-openai";
import { ownNamespace } from "../redis/own-namespace.ts";
import { redisUrl } from "../services/index.ts";

const open: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

/** A place of 20 comes back every three seconds. */
async function limited(plugins: readonly Plugin[]): Promise<() => Promise<Response>> {
  const gateway = await createGateway({
    plugins: [
      { name: "vendors", providers: [mock()], dialects: openaiDialects() },
      ...plugins,
      limits({ gateway: { requestsPerMinute: 20 } }),
    ],
    deployments: [{ id: "m", model: "m", provider: "mock", upstreamModel: "echo" }],
  });
  const listener = await listen(gateway, { port: 0, host: "127.0.0.1" });
  open.push(async () => {
    await listener.close();
    await gateway.close();
  });
  return async () => {
    const response = await fetch(`${listener.url}/v1/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ model: "m", messages: [{ role: "user", content: "ping" }] }),
    });
    await response.arrayBuffer();
    return response;
  };
}

it.each<[string, () => Promise<readonly Plugin[]>]>([
  ["in memory", async () => []],
  ["in Redis", async () => [redis({ url: await redisUrl(), namespace: ownNamespace(), timeoutMs: 2_000 })]],
])("waiting for as long as the gateway says is enough, a second less is not: %s", async (_where, plugins) => {
  const ask = await limited(await plugins());
  const from = performance.now();
  let refused = await ask();
  while (refused.status === 200) refused = await ask();
  const told = performance.now();
  expect(refused.status).toBe(429);
  const seconds = Number(refused.headers.get("retry-after"));
  // a place that came back meanwhile may have been taken
  expect(seconds).toBeGreaterThanOrEqual(1);
  expect(seconds).toBeLessThanOrEqual(3);
  const exactMs = 3_000 - ((told - from) % 3_000);
  if (seconds > 1) {
    // an answer that says "3" may mean 2.001 seconds: a second less than what is exact
    await sleep(Math.max(0, exactMs - 1_000 - (performance.now() - told)));
    expect((await ask()).status).toBe(429);
  }
  await sleep(seconds * 1_000 - (performance.now() - told));
  expect((await ask()).status).toBe(200);
});
