import { describe, expect, it, vi } from "vitest";
import type { ActiveCall } from "../src/gateway/active-calls.ts";
import { ActiveCalls } from "../src/gateway/active-calls.ts";

function callDue(inMs: number, begun: boolean = false): ActiveCall {
  return {
    slot: -1,
    deadline: performance.now() + inMs,
    begun,
    expire: vi.fn<() => void>(),
    cancel: vi.fn<() => void>(),
  };
}

describe("the list of running calls", () => {
  it("takes calls out in any order and keeps the others", () => {
    const active = new ActiveCalls();
    const calls = Array.from({ length: 5 }, () => callDue(60_000));
    for (const call of calls) active.add(call);
    const [first, second, third, fourth, fifth] = calls as [ActiveCall, ActiveCall, ActiveCall, ActiveCall, ActiveCall];
    for (const [at, call] of [second, fifth, first].entries()) {
      active.delete(call);
      expect(active.size).toBe(4 - at);
    }
    expect(new Set(active.all())).toEqual(new Set([third, fourth]));
    active.delete(fourth);
    active.delete(third);
    expect(active.size).toBe(0);
  });

  it("ends what is past its deadline and has not begun, and nothing else", async () => {
    const active = new ActiveCalls();
    const late = callDue(10);
    const begun = callDue(10, true);
    const early = callDue(60_000);
    for (const call of [late, begun, early]) active.add(call);
    await vi.waitFor(() => expect(late.expire).toHaveBeenCalled());
    expect(begun.expire).not.toHaveBeenCalled();
    expect(early.expire).not.toHaveBeenCalled();
    for (const call of [late, begun, early]) active.delete(call);
  });

  it("watches again after it was empty", async () => {
    const active = new ActiveCalls();
    const first = callDue(60_000);
    active.add(first);
    active.delete(first);
    await new Promise((resolve) => setTimeout(resolve, 60));
    const second = callDue(5);
    active.add(second);
    await vi.waitFor(() => expect(second.expire).toHaveBeenCalled());
    active.delete(second);
  });
});
