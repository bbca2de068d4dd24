import { afterEach, expect, it } from "vitest";
import type { Deployment } from "@signalbox/kernel";
import { GatewayError } from "@signalbox/kernel";
import type { Driven, DrivenOptions } from "../support/driven-gateway.ts";
import { drivenGateway, says } from "../support/driven-gateway.ts";

const open: Driven[] = [];
afterEach(async () => {
  for (const { gateway } of open.splice(0)) await gateway.close();
});

async function driven(options: DrivenOptions): Promise<Driven> {
  const one = await drivenGateway(options);
  open.push(one);
  return one;
}

const asked = { operation: "chat", request: { model: "m", messages: [] } } as const;

it("an explanation tells no router and no strategy of attempts, tells generators nothing, and closes them", async () => {
  const told: unknown[] = [];
  const { gateway, log } = await driven({
    scripts: { a: says, b: says },
    *route([a, b]): Generator<Deployment, void, unknown> {
      try {
        told.push(yield a as Deployment);
        told.push(yield { ...(b as Deployment), provider: "gone" });
        yield b as Deployment;
        throw new GatewayError("no_healthy_deployment", "the others rest");
      } finally {
        told.push("closed");
      }
    },
    router: { hedgeAfterMs: () => 0 },
    strategy: {
      name: "told",
      order: (_call, candidates) => candidates,
      begin: () => void told.push("begin"),
      report: () => void told.push("report"),
    },
  });
  const explained = await gateway.explain(asked);
  expect(explained.attempts.map(({ deployment }) => deployment)).toEqual(["a", "b"]);
  expect(explained.skipped).toEqual([
    { deployment: "b", reason: 'provider "gone" is not there', code: "unsupported_operation" },
  ]);
  expect(explained.notes).toEqual([{ stage: "route", text: "the others rest" }]);
  expect(told).toEqual([undefined, undefined, "closed"]);
  expect(log).toEqual([]);
});

it("an explanation does not wait in a queue", async () => {
  const { gateway } = await driven({
    scripts: { a: says },
    *route([a]) {
      yield a as Deployment;
      yield new Promise<never>(() => undefined);
    },
  });
  const startedAt = performance.now();
  expect(await gateway.explain(asked)).toMatchObject({
    attempts: [{ deployment: "a" }],
    notes: [{ stage: "route", text: "a call would wait here until a deployment has room" }],
  });
  expect(performance.now() - startedAt).toBeLessThan(1_000);
});

it("an explanation goes on after a wait that came to nothing", async () => {
  const { gateway } = await driven({
    scripts: { a: says },
    *route([a]) {
      yield Promise.reject(new GatewayError("concurrency_limit_exceeded", "the queue is full"));
      yield Promise.resolve(a as Deployment);
    },
  });
  expect(await gateway.explain(asked)).toMatchObject({
    attempts: [{ deployment: "a" }],
    notes: [{ stage: "route", text: "the queue is full" }],
  });
});

it("an explanation fails as the call would where there is no model, or a mistake", async () => {
  const { gateway } = await driven({
    scripts: { a: says },
    // biome-ignore lint/correctness/useYield: refuses when it is asked for its first
    *route(_deployments, { model }) {
      if (model === "m") throw new TypeError("oops");
      throw new GatewayError("model_not_found", "no such model");
    },
  });
  await expect(gateway.explain(asked)).rejects.toThrow("oops");
  const other = { ...asked, request: { model: "other", messages: [] } };
  await expect(gateway.explain(other)).rejects.toMatchObject({ code: "model_not_found" });
});
