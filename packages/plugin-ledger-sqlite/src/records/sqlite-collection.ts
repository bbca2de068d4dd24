import type { RecordCollection, RecordPage, RecordQuery, StoredRecord } from "@signalbox/kernel";
import { GatewayError } from "@signalbox/kernel";
import type { Database, OpenTransaction } from "../database/database.ts";
import { isConstraint } from "../database/sqlite-errors.ts";
import type { RecordTable } from "./record-table.ts";
import { indexValue } from "./record-values.ts";

const DEFAULT_LIMIT = 100;

type Values = (string | number | bigint | null | Uint8Array)[];

/** Records of one kind, each a row. */
export class SqliteCollection<Item extends StoredRecord> implements RecordCollection<Item> {
  readonly #database: Database;
  readonly #table: RecordTable;
  readonly #listeners = new Set<(id: string) => void>();

  constructor(database: Database, table: RecordTable) {
    this.#database = database;
    this.#table = table;
  }

  get(id: string): Promise<Item | undefined> {
    return this.#database.alone(() => this.#read(id));
  }

  find(field: string, value: string): Promise<Item | undefined> {
    return this.#database.alone(() => {
      if (!this.#table.isUnique(field)) {
        throw new GatewayError("invalid_request", `${this.#table.collection} has no unique ${JSON.stringify(field)}`);
      }
      const sql = `SELECT body FROM ${this.#table.name} WHERE ${this.#table.value(field)} = ?`;
      return itemOf<Item>(this.#database.statement(sql).get(value));
    });
  }

  list(query: RecordQuery = {}): Promise<RecordPage<Item>> {
    return this.#database.alone(() => this.#list(query));
  }

  insert(item: Item): Promise<void> {
    return this.#database.write((transaction) => {
      this.#conflicts(item.id, () => this.#table.insert(this.#database, item.id, JSON.stringify(item)));
      this.#tell(item.id, transaction);
    });
  }

  update(id: string, change: (before: Item) => Item | undefined): Promise<Item | undefined> {
    return this.#database.write((transaction) => {
      const before = this.#read(id);
      if (before === undefined) return undefined;
      const after = change(before);
      if (after === undefined) return this.#read(id);
      if (after.id !== id) throw new GatewayError("invalid_request", `the record ${JSON.stringify(id)} keeps its id`);
      this.#conflicts(id, () => this.#table.replace(this.#database, id, JSON.stringify(after)));
      this.#tell(id, transaction);
      return this.#read(id);
    });
  }

  delete(id: string): Promise<Item | undefined> {
    return this.#database.write((transaction) => {
      const row = this.#database.statement(`DELETE FROM ${this.#table.name} WHERE id = ? RETURNING body`).get(id);
      if (row !== undefined) this.#tell(id, transaction);
      return itemOf<Item>(row);
    });
  }

  watch(listener: (id: string) => void): () => void {
    const own = (id: string): void => listener(id);
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  #read(id: string): Item | undefined {
    return itemOf<Item>(this.#database.statement(`SELECT body FROM ${this.#table.name} WHERE id = ?`).get(id));
  }

  #list({
    where = {},
    search = {},
    sortBy = "id",
    descending,
    offset = 0,
    limit = DEFAULT_LIMIT,
  }: RecordQuery): RecordPage<Item> {
    const parts: string[] = [];
    const values: Values = [];
    for (const [field, wanted] of Object.entries(where)) {
      const column = this.#table.value(field);
      if (wanted === null) parts.push(`${column} IS NULL`);
      else if (Array.isArray(wanted)) parts.push(`${column} IN (${wanted.map(() => "?").join(", ")})`);
      else parts.push(`${column} = ?`);
      if (wanted !== null) values.push(...[wanted].flat().map(indexValue));
    }
    for (const [field, text] of Object.entries(search)) {
      parts.push(`instr(${this.#table.searched(field)}, ?) > 0`);
      values.push(text.toLowerCase());
    }
    const condition = parts.length === 0 ? "TRUE" : parts.join(" AND ");
    const count = this.#database.statement(`SELECT count(*) AS total FROM ${this.#table.name} WHERE ${condition}`);
    const { total } = count.get(...values) as { readonly total: number };
    const column = this.#table.value(sortBy);
    // what is skipped is skipped in the index: only the rows of the page are read
    const page = (more: string, order: string, most: number, skip: number): Item[] => {
      const rows = `SELECT rowid FROM ${this.#table.name} WHERE ${condition}${more} ORDER BY ${order} LIMIT ? OFFSET ?`;
      const sql = `SELECT body FROM ${this.#table.name} WHERE rowid IN (${rows}) ORDER BY +${order}`;
      return this.#database
        .statement(sql)
        .all(...values, most, skip)
        .map((row) => itemOf<Item>(row) as Item);
    };
    const direction = descending ? "DESC" : "ASC";
    if (sortBy === "id") return { items: page("", `id ${direction}`, limit, offset), total };
    // Two reads, so that the index sorts: what has no value comes last in both directions.
    const items = page(` AND ${column} IS NOT NULL`, `${column} ${direction}, id`, limit, offset);
    if (items.length < limit) {
      const { valued } = this.#database
        .statement(`SELECT count(*) AS valued FROM ${this.#table.name} WHERE ${condition} AND ${column} IS NOT NULL`)
        .get(...values) as { readonly valued: number };
      items.push(...page(` AND ${column} IS NULL`, "id", limit - items.length, Math.max(0, offset - valued)));
    }
    return { items, total };
  }

  /** Tells the watchers when it is written. */
  #tell(id: string, { after }: OpenTransaction): void {
    after.push(() => {
      for (const listener of this.#listeners) listener(id);
    });
  }

  #conflicts(id: string, write: () => void): void {
    try {
      write();
    } catch (thrown) {
      if (!isConstraint(thrown)) throw thrown;
      const what = /: .*\."?(?:= )?([^."]+)"?$/.exec((thrown as Error).message)?.[1] ?? "id";
      throw new GatewayError(
        "conflict",
        `${this.#table.collection}: the ${what} of ${JSON.stringify(id)} is there already`,
        { source: "ledger-sqlite", param: what, cause: thrown },
      );
    }
  }
}

function itemOf<Item>(row: Readonly<Record<string, unknown>> | undefined): Item | undefined {
  return row === undefined ? undefined : (JSON.parse(row["body"] as string) as Item);
}
