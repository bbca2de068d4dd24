import type {
  CollectionDefinition,
  RecordCollection,
  RecordPage,
  RecordQuery,
  RecordStore,
  StoredRecord,
} from "@signalbox/kernel";
import { GatewayError } from "@signalbox/kernel";
import type { Changes } from "./changes.ts";
import type { Database } from "./database.ts";
import { codeOf } from "./database-errors.ts";
import { storableJson } from "./entry-row.ts";
import { IndexedFields } from "./indexed-fields.ts";

const NAME = /^[a-z_][a-z0-9_]{0,39}$/;
const UNIQUE_VIOLATION = "23505";
const TOO_LONG = "54000";
const DEFAULT_LIMIT = 100;

/** One table for each collection. */
export class PostgresRecords implements RecordStore {
  readonly #database: Database;
  readonly #changes: Changes;
  readonly #open = new Map<string, { readonly definition: string; readonly opened: Promise<unknown> }>();

  constructor(database: Database, changes: Changes) {
    this.#database = database;
    this.#changes = changes;
  }

  async open<Item extends StoredRecord>(definition: CollectionDefinition): Promise<RecordCollection<Item>> {
    const { name, indexes } = definition;
    if (!NAME.test(name)) throw wrong(`${JSON.stringify(name)} is no name of a collection`);
    const written = JSON.stringify([name, indexes.map(({ field, unique }) => [field, unique === true]).toSorted()]);
    const before = this.#open.get(name);
    if (before !== undefined && before.definition !== written) {
      const message = `the collection ${JSON.stringify(name)} is open with other indexes`;
      throw new GatewayError("conflict", message, { source: "ledger-postgres" });
    }
    if (before !== undefined) return (await before.opened) as RecordCollection<Item>;
    const opened = this.#create<Item>(definition);
    this.#open.set(name, { definition: written, opened });
    opened.catch(() => this.#open.delete(name));
    return await opened;
  }

  transaction<Result>(body: () => Promise<Result>): Promise<Result> {
    return this.#database.transaction(body);
  }

  async #create<Item extends StoredRecord>({ name, indexes }: CollectionDefinition): Promise<PostgresCollection<Item>> {
    const { schema } = this.#database;
    const table = `${schema}.records_${name}`;
    await this.#changes.start();
    const fields = await this.#database.long(async (session) => {
      const icu = await session.query("SELECT 1 FROM pg_collation WHERE collname = 'und-x-icu'");
      const indexed = new IndexedFields(name, indexes, icu.length > 0);
      await session.query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", [`signalbox records of ${schema}`]);
      await session.query(`CREATE TABLE IF NOT EXISTS ${table} (
        id text COLLATE "C" PRIMARY KEY, data jsonb NOT NULL, original json)`);
      for (const statement of indexed.statements(table)) await session.query(statement);
      await session.query(
        `INSERT INTO ${schema}.collections (name, definition) VALUES ($1, $2)
          ON CONFLICT (name) DO UPDATE SET definition = excluded.definition`,
        [name, JSON.stringify(indexes)],
      );
      return indexed;
    });
    return new PostgresCollection<Item>({ database: this.#database, changes: this.#changes, name, table, fields });
  }
}

/** A record as it was: where jsonb could not hold it, its text is beside. */
const DATA = "coalesce(original, data::json) AS data";

interface CollectionParts {
  readonly database: Database;
  readonly changes: Changes;
  readonly name: string;
  readonly table: string;
  readonly fields: IndexedFields;
}

class PostgresCollection<Item extends StoredRecord> implements RecordCollection<Item> {
  readonly #database: Database;
  readonly #changes: Changes;
  readonly #name: string;
  readonly #table: string;
  readonly #fields: IndexedFields;

  constructor({ database, changes, name, table, fields }: CollectionParts) {
    this.#database = database;
    this.#changes = changes;
    this.#name = name;
    this.#table = table;
    this.#fields = fields;
  }

  async get(id: string): Promise<Item | undefined> {
    return await this.#one(`SELECT ${DATA} FROM ${this.#table} WHERE id = $1`, [id]);
  }

  async find(field: string, value: string): Promise<Item | undefined> {
    const column = this.#fields.unique(field);
    return await this.#one(`SELECT ${DATA} FROM ${this.#table} WHERE ${column} = $1::jsonb`, [JSON.stringify(value)]);
  }

  async list(query: RecordQuery = {}): Promise<RecordPage<Item>> {
    const { where, values } = this.#fields.conditions(query);
    const page = [query.limit ?? DEFAULT_LIMIT, query.offset ?? 0];
    const limits = `LIMIT $${values.length + 1} OFFSET $${values.length + 2}`;
    // One statement, so that the number is that of the same moment as the page.
    const [row] = await this.#database.query<{ items: readonly Item[] | null; total: string }>(
      `SELECT (SELECT count(*) FROM ${this.#table} ${where}) AS total, (
        SELECT json_agg(data ORDER BY place) FROM (
          SELECT data, row_number() OVER () AS place FROM (
            SELECT ${DATA} FROM ${this.#table} ${where} ORDER BY ${this.#fields.order(query)} ${limits}
          ) AS page
        ) AS numbered
      ) AS items`,
      [...values, ...page],
    );
    return { items: row?.items ?? [], total: Number(row?.total ?? 0) };
  }

  async insert(item: Item): Promise<void> {
    await this.#write(item.id, async () => {
      const rows = await this.#database.query(
        `INSERT INTO ${this.#table} (id, data, original) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING 1`,
        [item.id, ...written(JSON.stringify(item))],
      );
      if (rows.length === 0) throw this.#conflict(item.id);
      return true;
    });
  }

  async update(id: string, change: (before: Item) => Item | undefined): Promise<Item | undefined> {
    let after: Item | undefined;
    await this.#write(id, async () => {
      after = await this.#one(`SELECT ${DATA} FROM ${this.#table} WHERE id = $1 FOR UPDATE`, [id]);
      const changed = after === undefined ? undefined : change(after);
      if (changed === undefined) return false;
      if (changed.id !== id) throw wrong(`the record ${JSON.stringify(id)} keeps its id`);
      const data = JSON.stringify(changed);
      const statement = `UPDATE ${this.#table} SET data = $2, original = $3 WHERE id = $1`;
      await this.#database.query(statement, [id, ...written(data)]);
      after = JSON.parse(data) as Item;
      return true;
    });
    return after;
  }

  async delete(id: string): Promise<Item | undefined> {
    let before: Item | undefined;
    await this.#write(id, async () => {
      before = await this.#one(`DELETE FROM ${this.#table} WHERE id = $1 RETURNING ${DATA}`, [id]);
      return before !== undefined;
    });
    return before;
  }

  watch(listener: (id: string) => void): () => void {
    return this.#changes.listen((collection, id) => {
      if (collection === this.#name || collection === "*") listener(id);
    });
  }

  async #one(text: string, values: readonly unknown[]): Promise<Item | undefined> {
    return (await this.#database.query<{ data: Item }>(text, values))[0]?.data;
  }

  /** A change, and the news of it when it is committed. */
  async #write(id: string, body: () => Promise<boolean>): Promise<void> {
    try {
      await this.#database.step(async () => {
        if (!(await body())) return;
        await this.#database.query(...this.#changes.notification(this.#name, id));
        this.#database.afterwards(() => this.#changes.tell(this.#name, id));
      });
    } catch (error) {
      if (codeOf(error) === UNIQUE_VIOLATION) throw this.#conflict(id);
      if (codeOf(error) === TOO_LONG) throw wrong(`a field that records are found by is too long in ${this.#name}`);
      throw error;
    }
  }

  #conflict(id: string): GatewayError {
    const message = `${this.#name} has a record already with the id ${JSON.stringify(id)}, or with a value that must be unique`;
    return new GatewayError("conflict", message, { source: "ledger-postgres" });
  }
}

/** The columns of a record: what jsonb can hold of it, and all of it where that is less. */
function written(record: string): readonly [data: string, original: string | null] {
  const data = storableJson(record);
  return [data, data === record ? null : record];
}

function wrong(message: string): GatewayError {
  return new GatewayError("invalid_request", message, { source: "ledger-postgres" });
}
