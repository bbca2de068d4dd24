import { describe, expect, it } from "vitest";
import { MemoryEntries } from "@signalbox/kernel/ledger";
import { testEntryStore } from "@signalbox/kernel/testkit";
import { entry } from "./entries.ts";

describe("MemoryEntries", () => {
  testEntryStore({ runner: { describe, it }, store: () => new MemoryEntries(), capabilities: { durable: false } });

  it("drops the oldest beyond its maximum, and says so", async () => {
    const entries = new MemoryEntries({ maximum: 2 });
    await entries.append([entry({ id: "a/1" }), entry({ id: "b/1" })]);
    expect(entries.health()).toEqual({ ok: true, detail: "2 entries in memory, lost when the process ends" });
    await entries.append([entry({ id: "c/1" })]);
    expect(await entries.get("a/1")).toBeUndefined();
    expect(await entries.spent({})).toEqual({ billed: 20n, pending: 0n, entries: 2 });
    expect(entries.health().detail).toBe("2 entries in memory, lost when the process ends; 1 older ones were dropped");
  });

  it("refuses when it is closed", async () => {
    const entries = new MemoryEntries();
    await entries.close();
    await expect(entries.append([])).rejects.toMatchObject({ code: "ledger_unavailable" });
  });
});
