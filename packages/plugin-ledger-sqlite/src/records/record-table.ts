import type { CollectionDefinition } from "@signalbox/kernel";
import { GatewayError } from "@signalbox/kernel";
import type { Database } from "../database/database.ts";
import { indexValue, quoted, searchValue } from "./record-values.ts";

type Index = CollectionDefinition["indexes"][number];

/**
 * The table of a collection: the records as JSON, and for each index a column with the value (`= name`) and one with the
 * text that is searched (`? name`).
 */
export class RecordTable {
  readonly collection: string;
  readonly name: string;
  readonly #indexes: readonly Index[];
  readonly #fields: ReadonlySet<string>;

  constructor({ name, indexes }: CollectionDefinition) {
    this.collection = name;
    this.name = quoted(`records_${name}`);
    this.#indexes = [...indexes].sort((one, other) => (one.field < other.field ? -1 : 1));
    this.#fields = new Set(indexes.map(({ field }) => field));
  }

  /** Tells whether two definitions mean the same. */
  get shape(): string {
    return JSON.stringify(this.#indexes.map(({ field, unique }) => [field, unique === true]));
  }

  isUnique(field: string): boolean {
    return this.#indexes.some((index) => index.field === field && index.unique === true);
  }

  /** @throws {GatewayError} `invalid_request` when there is no such index */
  value(field: string): string {
    if (field === "id") return "id";
    return quoted(`= ${this.#known(field)}`);
  }

  /** @throws {GatewayError} `invalid_request` when there is no such index */
  searched(field: string): string {
    if (field === "id") return "lower(id)";
    return quoted(`? ${this.#known(field)}`);
  }

  /** Makes the table and its indexes; a table of other indexes is filled anew from its records. */
  create(database: Database): void {
    const row = database.statement("SELECT indexes FROM collections WHERE name = ?").get(this.collection);
    if (row?.["indexes"] === this.shape) return;
    const old = row === undefined ? [] : database.statement(`SELECT id, body FROM ${this.name}`).all();
    if (row !== undefined) database.statement(`DROP TABLE ${this.name}`).run();
    const columns = this.#indexes.flatMap(({ field }) => [this.value(field), this.searched(field)]);
    database
      .statement(`CREATE TABLE ${this.name} (${["id TEXT PRIMARY KEY", "body TEXT NOT NULL", ...columns].join(", ")})`)
      .run();
    for (const { field, unique } of this.#indexes) {
      const name = quoted(`records_${this.collection} ${field}`);
      const on = unique ? this.value(field) : `${this.value(field)}, id`;
      database.statement(`CREATE ${unique ? "UNIQUE " : ""}INDEX ${name} ON ${this.name} (${on})`).run();
    }
    for (const { id, body } of old) this.insert(database, id as string, body as string);
    database
      .statement(
        "INSERT INTO collections (name, indexes) VALUES (?, ?) ON CONFLICT DO UPDATE SET indexes = excluded.indexes",
      )
      .run(this.collection, this.shape);
  }

  insert(database: Database, id: string, body: string): void {
    const marks = this.#indexes.map(() => ", ?, ?").join("");
    database.statement(`INSERT INTO ${this.name} VALUES (?, ?${marks})`).run(id, body, ...this.#values(body));
  }

  replace(database: Database, id: string, body: string): void {
    const columns = this.#indexes
      .map(({ field }) => `, ${this.value(field)} = ?, ${this.searched(field)} = ?`)
      .join("");
    database.statement(`UPDATE ${this.name} SET body = ?${columns} WHERE id = ?`).run(body, ...this.#values(body), id);
  }

  /** Of what is written: what JSON leaves out is not there. */
  #values(body: string): (string | number | bigint | null | Uint8Array)[] {
    const record = JSON.parse(body) as Readonly<Record<string, unknown>>;
    return this.#indexes.flatMap(({ field }) => {
      const value = Object.hasOwn(record, field) ? record[field] : undefined;
      return [indexValue(value), searchValue(value)];
    });
  }

  #known(field: string): string {
    if (this.#fields.has(field)) return field;
    throw new GatewayError("invalid_request", `${this.collection} cannot be searched by ${JSON.stringify(field)}`, {
      source: "ledger-sqlite",
    });
  }
}
