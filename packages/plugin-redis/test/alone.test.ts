import { describe, expect, it } from "vitest";
import { redis } from "../src/index.ts";

describe("without Redis", () => {
  it("keeps the state of this process, and no more unsent writes than entries", () => {
    const { sharedState } = redis({ port: 1 });
    for (let at = 0; at < 250_000; at++) sharedState.set(`session/${at}`, at, 600_000);
    expect(sharedState.get("session/249999")).toBe(249_999);
    expect(sharedState.get("session/1")).toBeUndefined();
    expect(sharedState.unsent).toBeLessThanOrEqual(100_000);
    expect(sharedState.unsent).toBeGreaterThanOrEqual(90_000);
  });

  it("refuses what is no JSON, and keeps what was there", () => {
    const { sharedState } = redis({ port: 1 });
    sharedState.set("key", 1, 1_000);
    expect(() => sharedState.set("key", 1n, 1_000)).toThrow(TypeError);
    expect(sharedState.get("key")).toBe(1);
  });

  it("throws what the contracts say, and says it in readiness", async () => {
    const { limitStore, reservationStore, check, close } = redis({ port: 1, timeoutMs: 500 });
    await expect(limitStore.take("a", [], 1_000)).rejects.toMatchObject({ code: "overloaded", source: "redis" });
    await expect(limitStore.release("a", [], [])).rejects.toMatchObject({ code: "overloaded" });
    const request = { id: "a", estimate: 1n, lines: [] };
    await expect(reservationStore.reserve(request, 1_000)).rejects.toMatchObject({ code: "ledger_unavailable" });
    expect(await check?.()).toMatchObject({ ok: false, detail: expect.stringMatching(/^budgets cannot be counted: /) });
    await close?.();
  });
});
