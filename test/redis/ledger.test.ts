import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, it } from "vitest";
import type { Ledger } from "@signalbox/kernel";
import { createGateway } from "@signalbox/kernel";
import { testLedger } from "@signalbox/kernel/testkit";
import { postgresLedger } from "@signalbox/plugin-ledger-postgres";
import { redis } from "@signalbox/plugin-redis";
import type { OwnDatabase } from "../services/index.ts";
import { createDatabase, redisUrl } from "../services/index.ts";
import { ownNamespace } from "./own-namespace.ts";

let database: OwnDatabase;
let folder: string;
beforeAll(async () => {
  database = await createDatabase();
  folder = mkdtempSync(join(tmpdir(), "redis-ledger-"));
});
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await database.drop();
});

let count = 0;
const places = new WeakMap<Ledger, { readonly schema: string; readonly namespace: string }>();

/** The ledger alone: closing it closes its gateway. */
async function ledgerOf(schema: string, namespace: string): Promise<Ledger> {
  const postgres = postgresLedger({ url: database.url, schema, pool: 3, spoolDirectory: join(folder, schema) });
  const shared = redis({ url: await redisUrl(), namespace, timeoutMs: 2_000 });
  const gateway = await createGateway({ plugins: [postgres, shared] });
  const { ledger } = postgres;
  const alone: Ledger = {
    reserve: (request) => ledger.reserve(request),
    dispatched: (id) => ledger.dispatched?.(id),
    settle: (settlement) => ledger.settle(settlement),
    void: (id) => ledger.void(id),
    append: (entry) => ledger.append(entry),
    adjust: async (entry) => ledger.adjust?.(entry),
    spent: (query) => ledger.spent(query),
    close: () => gateway.close(),
  };
  places.set(alone, { schema, namespace });
  return alone;
}

describe("counters in Redis, entries in PostgreSQL", () => {
  testLedger({
    runner: { describe, it },
    ledger: () => ledgerOf(`redis_${count++}`, ownNamespace()),
    reopen: async (before) => {
      await before.close?.();
      const { schema, namespace } = places.get(before) as { schema: string; namespace: string };
      return await ledgerOf(schema, namespace);
    },
    capabilities: { outage: false },
  });
});
