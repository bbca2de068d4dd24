import { afterAll, beforeAll, describe, it } from "vitest";
import type { EntryStore, RecordStore, ReservationStore } from "@signalbox/kernel";
import { testEntryStore, testRecordStore, testReservationStore } from "@signalbox/kernel/testkit";
import type { OwnDatabase } from "../services/index.ts";
import { createDatabase } from "../services/index.ts";
import { closing, opened, ownSchema } from "./opened.ts";

const runner = { describe, it };
const schemas = new WeakMap<object, string>();
let database: OwnDatabase;

beforeAll(async () => {
  database = await createDatabase();
});

afterAll(async () => {
  await database.drop();
});

async function entries(schema: string): Promise<EntryStore> {
  const plugin = await opened({ url: database.url, schema, pool: 4 });
  schemas.set(plugin.entryStore, schema);
  return closing(plugin.entryStore, plugin);
}

async function records(schema: string): Promise<RecordStore> {
  const plugin = await opened({ url: database.url, schema, pool: 4 });
  schemas.set(plugin.recordStore, schema);
  return closing(plugin.recordStore, plugin);
}

async function reservations(schema: string, url: string = database.url): Promise<ReservationStore> {
  const plugin = await opened({ url, schema, pool: 4, reservations: true });
  const store = plugin.reservationStore as ReservationStore;
  schemas.set(store, schema);
  return closing(store, plugin);
}

function schemaOf(store: object): string {
  return schemas.get(store) as string;
}

describe("entries in PostgreSQL", () => {
  testEntryStore({
    runner,
    store: () => entries(ownSchema()),
    reopen: async (store) => {
      await store.close?.();
      return await entries(schemaOf(store));
    },
  });
});

describe("entries in PostgreSQL whose sums are kept up to date", () => {
  const summed = async (schema: string): Promise<EntryStore> => {
    const plugin = await opened({ url: database.url, schema, pool: 4 });
    const store = plugin.entryStore;
    schemas.set(store, schema);
    const append = store.append.bind(store);
    const appendAndSum: EntryStore["append"] = async (batch) => {
      await append(batch);
      await plugin.maintain();
    };
    return closing(Object.assign(store, { append: appendAndSum }), plugin);
  };
  testEntryStore({
    runner,
    store: () => summed(ownSchema()),
    reopen: async (store) => {
      await store.close?.();
      return await summed(schemaOf(store));
    },
  });
});

describe("records in PostgreSQL", () => {
  testRecordStore({
    runner,
    store: () => records(ownSchema()),
    shared: (store) => records(schemaOf(store)),
    reopen: async (store) => {
      await store.close?.();
      return await records(schemaOf(store));
    },
  });
});

describe("reservations in PostgreSQL", () => {
  testReservationStore({
    runner,
    store: () => reservations(ownSchema()),
    another: (store) => reservations(schemaOf(store)),
    unreachable: async () => {
      const schema = ownSchema();
      const own = await createDatabase();
      const store = await reservations(schema, own.url);
      await own.drop();
      return store;
    },
  });
});
