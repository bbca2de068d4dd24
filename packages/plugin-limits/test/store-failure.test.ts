import { describe, expect, it } from "vitest";
import type { Gateway, LimitStore, SharedState } from "@signalbox/kernel";
import { createGateway, MemoryLimits, MemoryState, resultOf } from "@signalbox/kernel";
import type { LimitsOptions } from "../src/index.ts";
import { limits } from "../src/index.ts";
import { DEPLOYMENTS, key, request, vendor } from "./vendor.ts";

/** A shared store that can be cut off. */
function shared(late: boolean) {
  const inner = new MemoryLimits();
  const link = { up: true };
  const reach = <T>(answer: () => T): T | Promise<T> => {
    if (link.up) return late ? Promise.resolve(answer()) : answer();
    const error = new Error("connection refused");
    if (late) return Promise.reject(error);
    throw error;
  };
  const store: LimitStore = {
    take: (id, takes, leaseMs) => reach(() => inner.take(id, takes, leaseMs)) as ReturnType<LimitStore["take"]>,
    release: (id, takes, corrections) => reach(() => inner.release(id, takes, corrections)),
    renew: (id, takes, leaseMs) => reach(() => inner.renew(id, takes, leaseMs)),
  };
  return { store, link };
}

async function gatewayWith(store: LimitStore, options: LimitsOptions, state?: SharedState): Promise<Gateway> {
  return await createGateway({
    plugins: [
      vendor().plugin,
      { name: "stores", limitStore: store, ...(state !== undefined && { sharedState: state }) },
      limits(options),
    ],
    deployments: DEPLOYMENTS,
  });
}

async function admitted(
  gateway: Gateway,
  calls: number,
): Promise<{ readonly count: number; readonly codes: string[] }> {
  let count = 0;
  const codes = new Set<string>();
  for (let call = 0; call < calls; call++) {
    const { reply } = gateway.open({ operation: "chat", request: request("answer"), principal: key("anna") });
    await resultOf(reply).then(
      () => (count += 1),
      (error: { code: string }) => codes.add(error.code),
    );
  }
  return { count, codes: [...codes] };
}

describe.each([false, true])("a store that fails, later: %s", (late) => {
  it("leaves each process its share of a limit, and counts on where it was", async () => {
    const { store, link } = shared(late);
    const gateway = await gatewayWith(store, { keys: { requestsPerMinute: 20, parallel: 8 }, processes: 4 });
    expect(await admitted(gateway, 10)).toEqual({ count: 10, codes: [] });
    link.up = false;
    expect(await admitted(gateway, 50)).toEqual({ count: 5, codes: ["rate_limit_exceeded"] });
    expect((await gateway.health()).components).toContainEqual({
      name: "limits",
      ok: true,
      detail: "the limit store does not answer: this process counts 1/4 of each limit",
    });
    link.up = true;
    expect(await admitted(gateway, 50)).toEqual({ count: 10, codes: ["rate_limit_exceeded"] });
    await gateway.close();
  });

  it("lets nothing through where that was chosen", async () => {
    const { store, link } = shared(late);
    const gateway = await gatewayWith(store, { keys: { requestsPerMinute: 20 }, onStoreFailure: "closed" });
    link.up = false;
    expect(await admitted(gateway, 5)).toEqual({ count: 0, codes: ["ledger_unavailable"] });
    expect((await gateway.health()).ok).toBe(false);
    link.up = true;
    expect(await admitted(gateway, 30)).toEqual({ count: 20, codes: ["rate_limit_exceeded"] });
    await gateway.close();
  });
});

describe("the share of a process", () => {
  it("is one of those that are there, and still of those when nobody can be asked any more", async () => {
    const { store, link } = shared(false);
    const state = new MemoryState();
    state.add("limits/processes", 2, 60_000);
    const gateway = await gatewayWith(store, { keys: { requestsPerMinute: 30 } }, state);
    link.up = false;
    expect((await admitted(gateway, 40)).count).toBe(10);
    state.add("limits/processes", -2, 60_000);
    expect((await admitted(gateway, 40)).count).toBe(0);
    await gateway.close();
    expect(state.sum("limits/processes")).toBe(0);
  });
});
