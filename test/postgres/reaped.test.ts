import pg from "pg";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { BudgetLine, ReservationStore } from "@signalbox/kernel";
import type { OwnDatabase } from "../services/index.ts";
import { createDatabase } from "../services/index.ts";
import { opened } from "./opened.ts";

const LINE: BudgetLine = { scope: { kind: "key", id: "k" }, period: "all", limit: 100n };

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

it("tells what was reaped again, when a process dies with it, until somebody has seen to it", async () => {
  const plugins = await Promise.all([1, 2].map(() => opened({ url: database.url, pool: 2, reservations: true })));
  const [one, other] = plugins.map(({ reservationStore }) => reservationStore) as [ReservationStore, ReservationStore];
  await one.reserve({ id: "lost/1", estimate: 70n, lines: [LINE] }, 1);
  await new Promise((resolve) => setTimeout(resolve, 20));
  const reaped = [{ id: "lost/1", estimate: 70n, lines: [LINE] }];
  expect(await one.reap()).toEqual(reaped);
  expect(await other.reap()).toEqual([]);
  // as if a minute had gone by
  await client.query("UPDATE signalbox.reservations SET told_at = told_at - interval '2 minutes'");
  expect(await other.reap()).toEqual(reaped);
  expect(await other.balance(LINE)).toEqual({ posted: 70n, pending: 0n });
  expect(await other.reap()).toEqual([]);
  expect((await client.query("SELECT told_at FROM signalbox.reservations")).rows).toEqual([{ told_at: null }]);
  for (const plugin of plugins) await plugin.close?.();
});
