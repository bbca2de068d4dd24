import type { CollectionDefinition, RecordCollection, RecordStore, StoredRecord } from "@signalbox/kernel";
import { GatewayError } from "@signalbox/kernel";
import type { Database } from "../database/database.ts";
import { RecordTable } from "./record-table.ts";
import { SqliteCollection } from "./sqlite-collection.ts";

/** Keys, teams and the like in SQLite: a table for each kind. */
export class SqliteRecords implements RecordStore {
  readonly #database: Database;
  readonly #open = new Map<string, { readonly shape: string; readonly records: SqliteCollection<StoredRecord> }>();

  constructor(database: Database) {
    this.#database = database;
  }

  async open<Item extends StoredRecord>(definition: CollectionDefinition): Promise<RecordCollection<Item>> {
    const { name } = definition;
    if (!/^[a-z][a-z0-9_]*$/.test(name)) {
      throw new GatewayError("invalid_request", `${JSON.stringify(name)} is no name of a collection`);
    }
    const table = new RecordTable(definition);
    await this.#database.write(() => this.#checkShape(table) || table.create(this.#database));
    let known = this.#open.get(name);
    if (known === undefined) {
      known = { shape: table.shape, records: new SqliteCollection(this.#database, table) };
      this.#open.set(name, known);
    }
    return known.records as unknown as RecordCollection<Item>;
  }

  transaction<Result>(body: () => Promise<Result>): Promise<Result> {
    return this.#database.transaction(body);
  }

  /** True when it is open in this shape. */
  #checkShape({ collection, shape }: RecordTable): boolean {
    const known = this.#open.get(collection);
    if (known === undefined) return false;
    if (known.shape === shape) return true;
    throw new GatewayError("conflict", `the collection "${collection}" is open with other indexes`);
  }
}
