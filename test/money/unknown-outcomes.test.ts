import { once } from "node:events";
import type { Server } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Listener } from "@signalbox/express/node";
import { listen } from "@signalbox/express/node";
import type { Gateway } from "@signalbox/kernel";
import { createGateway } from "@signalbox/kernel";
import { budgets } from "@signalbox/plugin-budgets";
import { fallbacks } from "@signalbox/plugin-fallbacks";
import { pricing } from "@signalbox/plugin-pricing";
import { openai, openaiDialects } from "@signalbox/provider-openai";
import { paid, WatchedLedger } from "../budgets/billed-gateway.ts";

const BODY = { model: "m", max_tokens: 50, messages: [{ role: "user", content: "Do it, and tell nobody." }] };

/** A vendor that charges for everything at once, then loses the connection. */
let upstream: Server;
let calls = 0;

beforeAll(async () => {
  upstream = createServer(async (request) => {
    for await (const _piece of request);
    calls++;
    request.socket.resetAndDestroy();
  });
  upstream.listen(0, "127.0.0.1");
  await once(upstream, "listening");
});
afterAll(() => void upstream.close());

interface Running {
  readonly gateway: Gateway;
  readonly ledger: WatchedLedger;
  readonly listener: Listener;
}

async function withLimit(limit: bigint, retries: number): Promise<Running> {
  const ledger = new WatchedLedger();
  const url = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`;
  const gateway = await createGateway({
    plugins: [
      { name: "vendors", providers: [openai({})], dialects: openaiDialects(), ledger },
      pricing(),
      fallbacks({ retries, retryBudget: { ratio: 1, minPerSecond: 1_000 } }),
      budgets({ budgets: [{ scope: { kind: "gateway", id: "gateway" }, limit }] }),
    ],
    deployments: [paid("one", url), paid("two", url), paid("three", url)],
  });
  return { gateway, ledger, listener: await listen(gateway, { port: 0, host: "127.0.0.1" }) };
}

async function ask({ listener }: Running): Promise<number> {
  const response = await fetch(`${listener.url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(BODY),
  });
  await response.text();
  return response.status;
}

async function end({ listener, gateway }: Running): Promise<void> {
  await listener.close();
  await gateway.close();
}

it("every attempt whose outcome nobody knows keeps its estimate, and the next one needs room for its own", {
  timeout: 60_000,
}, async () => {
  const probe = await withLimit(1_000_000_000n, 0);
  await ask(probe);
  await expect.poll(() => probe.ledger.entries.length).toBeGreaterThan(0);
  const estimate = probe.ledger.entries[0]?.billed ?? 0n;
  expect(probe.ledger.entries[0]?.status).toBe("estimated");
  expect(estimate).toBeGreaterThan(100_000n);
  await end(probe);

  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 0, max: 4 }),
      fc.bigInt({ min: 0n, max: estimate - 1n }),
      fc.integer({ min: 1, max: 3 }),
      async (whole, rest, parallel) => {
        const limit = estimate * BigInt(whole) + rest;
        const running = await withLimit(limit, 5);
        const before = calls;
        try {
          await Promise.all(Array.from({ length: parallel }, () => ask(running)));
          await expect.poll(() => running.gateway.activeCalls).toBe(0);
          await expect.poll(() => running.ledger.open.size).toBe(0);
          const booked = running.ledger.entries.reduce((sum, { billed }) => sum + billed, 0n);
          expect(booked).toBeLessThanOrEqual(limit);
          expect(calls - before).toBeLessThanOrEqual(whole);
          expect(booked).toBe(estimate * BigInt(calls - before));
        } finally {
          await end(running);
        }
      },
    ),
    { numRuns: 10 },
  );
});
