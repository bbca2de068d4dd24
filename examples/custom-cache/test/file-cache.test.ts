import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, it, vi } from "vitest";
import { testCache } from "@signalbox/kernel/testkit";
import { fileCache } from "../src/file-cache.ts";

const directory = mkdtempSync(join(tmpdir(), "file-cache-"));

afterEach(() => void vi.restoreAllMocks());
afterAll(() => rmSync(directory, { recursive: true }));

testCache({
  runner: { describe, it },
  cache: () => fileCache(directory),
  expire: () => void vi.spyOn(Date, "now").mockReturnValue(Date.now() + 3_600_001),
  // the gateway's layer takes care of what it throws
  capabilities: { outage: false },
});
