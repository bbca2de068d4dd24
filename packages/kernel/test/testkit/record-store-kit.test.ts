import { describe, it } from "vitest";
import { MemoryRecords, testRecordStore } from "@signalbox/kernel/testkit";

describe("testRecordStore on records in memory", () => {
  testRecordStore({
    runner: { describe, it },
    store: () => new MemoryRecords(),
    capabilities: { durable: false, shared: false },
  });
});
