import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { Plugin } from "@signalbox/kernel";
import { createGateway, ENTRY_STORE, RECORD_STORE } from "@signalbox/kernel";
import { sqliteLedger } from "../src/index.ts";

const folder = mkdtempSync(join(tmpdir(), "ledger-sqlite-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const COLLECTION = { name: "teams", indexes: [{ field: "alias", unique: true }] };

describe("a gateway with a file", () => {
  it("keeps records and shows readiness; a second gateway on the file does not start", async () => {
    const file = join(folder, "one.db");
    const ledger = sqliteLedger({ file });
    expect(await ledger.check?.()).toEqual({ ok: false, detail: `${file} is not open` });
    await expect(ledger.entryStore.spent({})).rejects.toMatchObject({ code: "ledger_unavailable" });
    const gateway = await createGateway({ plugins: [ledger] });
    expect(await ledger.check?.()).toEqual({ ok: true, detail: file });
    const teams = await ledger.recordStore.open(COLLECTION);
    await teams.insert({ id: "t-1", alias: "red" });
    await expect(createGateway({ plugins: [sqliteLedger({ file })] })).rejects.toThrow(/another gateway/);
    expect(await teams.get("t-1")).toEqual({ id: "t-1", alias: "red" });
    await gateway.close();

    const later = sqliteLedger({ file });
    const again = await createGateway({ plugins: [later] });
    expect(await (await later.recordStore.open(COLLECTION)).find("alias", "red")).toEqual({ id: "t-1", alias: "red" });
    await again.close();
  });

  it("gives its stores to other plugins", async () => {
    const ledger = sqliteLedger({ file: ":memory:", retentionDays: 30 });
    const found: unknown[] = [];
    const other: Plugin = {
      name: "other",
      start(container) {
        found.push(container.resolve(ENTRY_STORE), container.resolve(RECORD_STORE));
      },
    };
    const gateway = await createGateway({ plugins: [other, ledger] });
    expect(found[0]).toBe(ledger.entryStore);
    expect(found[1]).toBe(ledger.recordStore);
    await gateway.close();
    await expect(ledger.entryStore.list({})).rejects.toMatchObject({ code: "ledger_unavailable" });
  });
});
