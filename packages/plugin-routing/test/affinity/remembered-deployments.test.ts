import { expect, test } from "vitest";
import { MemoryState } from "@signalbox/kernel";
import { RememberedDeployments } from "../../src/affinity/remembered-deployments.ts";

class CountedState extends MemoryState {
  writes = 0;
  readonly keys: Set<string> = new Set();
  override set(key: string, value: unknown, ttlMs: number): void {
    this.writes += 1;
    this.keys.add(key);
    super.set(key, value, ttlMs);
  }
  override delete(key: string): void {
    this.keys.delete(key);
    super.delete(key);
  }
}

test("never more than so many are kept: what was used longest ago goes first", () => {
  const state = new CountedState();
  const remembered = new RememberedDeployments(state, "affinity/test", 60_000, 100);
  for (let at = 0; at < 10_000; at++) {
    remembered.remember(`name-${at}`, `d${at % 7}`);
    if (at % 10 === 0) remembered.remember("often", `again-${at}`);
    expect(state.keys.size).toBeLessThanOrEqual(100);
  }
  expect(remembered.find("name-9999")).toBe("d3");
  expect(remembered.find("name-9950")).toBe("d3");
  expect(remembered.find("name-9000")).toBeUndefined();
  expect(remembered.find("often")).toBe("again-9990");
});

test("the same again is not written each time, another deployment is", () => {
  const state = new CountedState();
  const remembered = new RememberedDeployments(state, "affinity/test", 60_000);
  for (let at = 0; at < 1_000; at++) remembered.remember("name", "a");
  expect(state.writes).toBe(1);
  remembered.remember("name", "b");
  expect(state.writes).toBe(2);
  expect(remembered.find("name")).toBe("b");
  state.set("affinity/test/name", "c", 60_000);
  remembered.remember("name", "b");
  expect(remembered.find("name")).toBe("b");
});

test("what another program wrote under the key is no deployment", () => {
  const state = new MemoryState();
  const remembered = new RememberedDeployments(state, "affinity/test", 60_000);
  state.set("affinity/test/name", { id: "a" }, 60_000);
  expect(remembered.find("name")).toBeUndefined();
});
