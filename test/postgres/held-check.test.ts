import pg from "pg";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { BudgetLine, ReservationStore } from "@signalbox/kernel";
import type { OwnDatabase } from "../services/index.ts";
import { createDatabase } from "../services/index.ts";
import { opened, ownSchema } from "./opened.ts";

let database: OwnDatabase;
let client: pg.Client;

beforeAll(async () => {
  database = await createDatabase();
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
});

afterAll(async () => {
  await client.end();
  await database.drop();
});

it("tells reservations that counters do not show, counters that show too much, and what nobody reaps", async () => {
  const schema = ownSchema();
  const plugin = await opened({ url: database.url, schema, reservations: true });
  const store = plugin.reservationStore as ReservationStore;
  const line = (id: string): BudgetLine => ({ scope: { kind: "key", id }, period: "all", limit: null });
  // longer than an index takes: its key does not tell it
  const long = line("x".repeat(4_000));
  await store.reserve({ id: "a/1", estimate: 30n, lines: [line("a"), long] }, 60_000);
  await store.reserve({ id: "b/1", estimate: 5n, lines: [line("b")] }, 1);
  await expect.poll(async () => (await store.checkHeld?.([], 10))?.overdue).toBe(1);
  expect(await store.checkHeld?.([line("a"), line("unused")], 60_000)).toEqual({ differing: [], overdue: 0 });
  await client.query(`UPDATE ${schema}.counters SET pending = pending + 7`);
  await client.query(`UPDATE ${schema}.counters SET pending = 0 WHERE line LIKE '%"b"%'`);
  const found = await store.checkHeld?.([long], 60_000);
  const differing = [...(found?.differing ?? [])].sort((one, other) =>
    one.line.scope.id < other.line.scope.id ? -1 : 1,
  );
  expect(differing).toEqual([
    { line: { scope: { kind: "key", id: "a" }, period: "all" }, pending: 37n, held: 30n },
    { line: { scope: { kind: "key", id: "b" }, period: "all" }, pending: 0n, held: 5n },
    { line: { scope: long.scope, period: "all" }, pending: 37n, held: 30n },
  ]);
  expect(await store.balances?.([line("unused"), long, line("b"), line("a")])).toEqual([
    { posted: 0n, pending: 0n },
    { posted: 0n, pending: 37n },
    { posted: 0n, pending: 0n },
    { posted: 0n, pending: 37n },
  ]);
  await plugin.close?.();
});
