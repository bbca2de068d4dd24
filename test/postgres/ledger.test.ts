import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Gateway, Ledger } from "@signalbox/kernel";
import { createGateway } from "@signalbox/kernel";
import { testLedger } from "@signalbox/kernel/testkit";
import { postgresLedger } from "@signalbox/plugin-ledger-postgres";
import type { OwnDatabase } from "../services/index.ts";
import { createDatabase } from "../services/index.ts";
import { ownSchema } from "./opened.ts";

let database: OwnDatabase;
let folder: string;
beforeAll(async () => {
  database = await createDatabase();
  folder = mkdtempSync(join(tmpdir(), "pg-"));
});
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await database.drop();
});

interface Opened {
  readonly schema: string;
  readonly gateway: Gateway;
}

const opened = new Map<Ledger, Opened>();

/** The ledger alone: closing it closes its gateway. */
async function ledgerOf(schema: string): Promise<Ledger> {
  const plugin = postgresLedger({ url: database.url, schema, pool: 3, spoolDirectory: join(folder, schema) });
  const gateway = await createGateway({ plugins: [plugin] });
  const { ledger } = plugin;
  const alone: Ledger = {
    reserve: (request) => ledger.reserve(request),
    dispatched: (id) => ledger.dispatched?.(id),
    settle: (settlement) => ledger.settle(settlement),
    void: (id) => ledger.void(id),
    append: (entry) => ledger.append(entry),
    spent: (query) => ledger.spent(query),
    close: () => gateway.close(),
  };
  opened.set(alone, { schema, gateway });
  return alone;
}

describe("in PostgreSQL alone", () => {
  testLedger({
    runner: { describe, it },
    ledger: () => ledgerOf(ownSchema()),
    reopen: async (before) => {
      await before.close?.();
      return await ledgerOf((opened.get(before) as Opened).schema);
    },
    capabilities: { outage: false },
  });

  it("says that the last moments are lost without a spool", async () => {
    const gateway = await createGateway({
      plugins: [postgresLedger({ url: database.url, schema: ownSchema(), pool: 2 })],
    });
    expect((await gateway.health()).components).toEqual([
      {
        name: "ledger-postgres",
        ok: true,
        detail: "without a spoolDirectory the last moments of a killed process are lost",
      },
    ]);
    await gateway.close();
  });
});
