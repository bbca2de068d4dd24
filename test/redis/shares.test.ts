import { afterEach, expect, it } from "vitest";
import type { Gateway, LimitRule, Principal } from "@signalbox/kernel";
import { createGateway, isGatewayError, replyOf } from "@signalbox/kernel";
import { limits } from "@signalbox/plugin-limits";
import { redis } from "@signalbox/plugin-redis";
import { redisUrl } from "../services/index.ts";
import { ownNamespace } from "./own-namespace.ts";

const LIMIT = 60;
const open: Gateway[] = [];

afterEach(async () => {
  for (const gateway of open.splice(0)) await gateway.close();
});

/** Two processes behind one Redis. */
async function two(): Promise<readonly [Gateway, Gateway]> {
  const [url, namespace] = [await redisUrl(), ownNamespace()];
  for (let count = 0; count < 2; count++) {
    const shop = {
      name: "shop",
      operations: {
        embed: () =>
          replyOf<"embed">(() => ({ model: "e", embeddings: [[1]], usage: { inputTokens: 1, outputTokens: 0 } })),
      },
    };
    open.push(
      await createGateway({
        plugins: [
          { name: "vendors", providers: [shop] },
          redis({ url, namespace, timeoutMs: 5_000 }),
          limits({ keyHeaders: true, onStoreFailure: "closed" }),
        ],
        deployments: [{ id: "d", model: "m", provider: "shop", upstreamModel: "e" }],
      }),
    );
  }
  return [open[0] as Gateway, open[1] as Gateway];
}

function dynamic(id: string, weight: number): Principal {
  const team = { kind: "team", id: "t" };
  const rules: readonly LimitRule[] = [
    { scope: { kind: "key", id }, requestsPerMinute: LIMIT, share: { of: team, weight } },
    { scope: team, requestsPerMinute: LIMIT },
  ];
  return { id, kind: "key", admin: false, models: ["*"], teamId: "t", limits: rules };
}

/** The share that the caller was told of, and whether the call was let through. */
async function ask(
  gateway: Gateway,
  principal: Principal,
): Promise<{ readonly share: number; readonly through: boolean }> {
  const { call, reply } = gateway.open({ operation: "embed", request: { model: "m", inputs: ["x"] }, principal });
  let through = true;
  try {
    await reply.next();
  } catch (thrown) {
    if (!isGatewayError(thrown) || thrown.code !== "rate_limit_exceeded") throw thrown;
    through = false;
  }
  const { headers = [] } = call.trace;
  return { share: Number(headers[headers.indexOf("x-signalbox-key-rpm-limit") + 1]), through };
}

it("processes share out a limit among the keys that are active in any of them, and never pass it", async () => {
  const [one, other] = await two();
  const [ann, bob] = [dynamic("ann", 1), dynamic("bob", 2)];
  expect(await ask(one, ann)).toEqual({ share: 60, through: true });
  // the other process learns of ann by the shared state, and bob's first call is told to the first
  await expect.poll(async () => (await ask(other, bob)).share).toBe(40);
  await expect.poll(async () => (await ask(one, ann)).share).toBe(20);
  // the same key in both processes is one key
  expect((await ask(other, ann)).share).toBe(20);
  const counts = { ann: 0, bob: 0 };
  await Promise.all(
    Array.from({ length: 240 }, async (_, index) => {
      const who = index % 2 === 0 ? "ann" : "bob";
      const answer = await ask(index % 4 < 2 ? one : other, who === "ann" ? ann : bob);
      if (answer.through) counts[who]++;
    }),
  );
  // what was asked before counts too; a call or two comes back while this runs
  expect(counts.ann + counts.bob).toBeLessThanOrEqual(LIMIT + 2);
  expect(counts.ann).toBeLessThanOrEqual(21);
  expect(counts.bob).toBeLessThanOrEqual(41);
  expect(counts.bob).toBeGreaterThan(counts.ann);
});
