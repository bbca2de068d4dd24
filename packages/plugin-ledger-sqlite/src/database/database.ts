import { AsyncLocalStorage } from "node:async_hooks";
import type { StatementSync } from "node:sqlite";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as pause } from "node:timers/promises";
import type { Health } from "@signalbox/kernel";
import { isGatewayError } from "@signalbox/kernel";
import { MIGRATIONS } from "./migrations.ts";
import { describeSqliteError, isBusy, unavailable } from "./sqlite-errors.ts";

/** How a database is opened. */
export interface DatabaseOptions {
  readonly file: string;
  readonly synchronous: "full" | "normal" | "off";
  readonly busyTimeoutMs: number;
  /** What to bring an older file to. Default: what this package has. */
  readonly migrations?: readonly string[];
}

const BUSY_PAUSE_MS = 10;
const MOST_STATEMENTS = 200;
const MEMORY = ":memory:";

/** An open transaction of several steps; `after` runs when it is written. */
export interface OpenTransaction {
  readonly after: (() => void)[];
  done: boolean;
}

/**
 * One file, open in one process. SQLite works while it is called, so writes are short and take turns: a transaction of
 * several steps keeps the others waiting, not the event loop.
 */
export class Database {
  readonly #options: DatabaseOptions;
  readonly #statements = new Map<string, StatementSync>();
  readonly #inside = new AsyncLocalStorage<OpenTransaction>();
  #sqlite: DatabaseSync | undefined;
  #lock: DatabaseSync | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #problem: string | undefined;

  constructor(options: DatabaseOptions) {
    this.#options = options;
  }

  get file(): string {
    return this.#options.file;
  }

  /** @throws {GatewayError} `ledger_unavailable`: locked, damaged, of a newer version, not to be written */
  open(): void {
    if (this.#sqlite !== undefined) return;
    const { file, synchronous } = this.#options;
    try {
      if (file !== MEMORY) this.#takeLock();
      this.#sqlite = new DatabaseSync(file, { timeout: 0 });
      this.#sqlite.exec(
        `PRAGMA journal_mode = WAL; PRAGMA synchronous = ${synchronous}; PRAGMA cache_size = -65536; PRAGMA temp_store = MEMORY`,
      );
      this.#migrate(this.#options.migrations ?? MIGRATIONS);
    } catch (thrown) {
      this.#shut();
      throw describeSqliteError(thrown, file);
    }
  }

  async close(): Promise<void> {
    await this.#last;
    this.#shut();
  }

  health(): Health {
    if (this.#sqlite === undefined) return { ok: false, detail: `${this.file} is not open` };
    return this.#problem === undefined ? { ok: true, detail: this.file } : { ok: false, detail: this.#problem };
  }

  /** A statement, prepared once. Integers are numbers. */
  statement(sql: string): StatementSync {
    return this.#prepared(sql, false);
  }

  /** A statement whose integers are all bigints: money is no floating-point number. */
  exactStatement(sql: string): StatementSync {
    return this.#prepared(sql, true);
  }

  /** Reads at once. What SQLite has to say against it is told as this ledger's error. */
  read<Result>(work: () => Result): Result {
    try {
      return work();
    } catch (thrown) {
      throw this.#failed(thrown);
    }
  }

  /** Runs alone: after the writes and transactions before it. Inside a transaction: as a part of it. */
  alone<Result>(work: (transaction: OpenTransaction | undefined) => Result): Promise<Result> {
    const transaction = this.#current();
    return transaction === undefined
      ? this.#turn(async () => this.read(() => work(undefined)))
      : this.#part(transaction, work);
  }

  /** All that the work writes, or nothing of it. Must not wait for anything; runs alone. */
  write<Result>(work: (transaction: OpenTransaction) => Result): Promise<Result> {
    const transaction = this.#current();
    if (transaction !== undefined) return this.#part(transaction, work);
    return this.#turn(async () => {
      const own: OpenTransaction = { after: [], done: false };
      const result = await this.#patiently(() => {
        this.#execute("BEGIN IMMEDIATE");
        const inner = work(own);
        this.#execute("COMMIT");
        return inner;
      });
      this.#written(own);
      return result;
    });
  }

  /** All that is written until the body ends, or nothing of it. One inside another is a part of it. */
  transaction<Result>(body: () => Promise<Result>): Promise<Result> {
    if (this.#current() !== undefined) return body();
    return this.#turn(async () => {
      const own: OpenTransaction = { after: [], done: false };
      await this.#patiently(() => this.#execute("BEGIN IMMEDIATE"));
      let result: Result;
      try {
        result = await this.#inside.run(own, body);
        own.done = true;
        this.#execute("COMMIT");
      } catch (thrown) {
        own.done = true;
        this.#rollBack();
        throw this.#failed(thrown);
      }
      this.#written(own);
      return result;
    });
  }

  /** A part of a transaction that fails undoes only itself; the caller decides about the rest. */
  async #part<Result>(transaction: OpenTransaction, work: (transaction: OpenTransaction) => Result): Promise<Result> {
    const before = transaction.after.length;
    this.#execute("SAVEPOINT part");
    try {
      const result = work(transaction);
      this.#execute("RELEASE part");
      return result;
    } catch (thrown) {
      transaction.after.length = before;
      if (this.#sqlite?.isTransaction) this.#execute("ROLLBACK TO part; RELEASE part");
      throw this.#failed(thrown);
    }
  }

  #current(): OpenTransaction | undefined {
    const transaction = this.#inside.getStore();
    return transaction?.done === false ? transaction : undefined;
  }

  #turn<Result>(work: () => Promise<Result>): Promise<Result> {
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => {});
    return turn;
  }

  async #patiently<Result>(work: () => Result): Promise<Result> {
    const until = performance.now() + this.#options.busyTimeoutMs;
    for (;;) {
      try {
        return work();
      } catch (thrown) {
        this.#rollBack();
        if (!isBusy(thrown) || performance.now() > until) throw this.#failed(thrown);
      }
      await pause(BUSY_PAUSE_MS);
    }
  }

  #written({ after }: OpenTransaction): void {
    this.#problem = undefined;
    for (const tell of after) tell();
  }

  #rollBack(): void {
    if (this.#sqlite?.isTransaction) this.#execute("ROLLBACK");
  }

  #failed(thrown: unknown): unknown {
    const described = describeSqliteError(thrown, this.file);
    const broken = described !== thrown && isGatewayError(described) && described.code !== "invalid_request";
    if (broken) this.#problem = described.message;
    return described;
  }

  #execute(sql: string): void {
    this.#connection().exec(sql);
  }

  #prepared(sql: string, exact: boolean): StatementSync {
    const key = exact ? `exact ${sql}` : sql;
    let statement = this.#statements.get(key);
    if (statement === undefined) {
      statement = this.#connection().prepare(sql);
      if (exact) statement.setReadBigInts(true);
      if (this.#statements.size >= MOST_STATEMENTS) this.#statements.clear();
      this.#statements.set(key, statement);
    }
    return statement;
  }

  #connection(): DatabaseSync {
    if (this.#sqlite === undefined) throw unavailable(`the ledger ${this.file} is not open`);
    return this.#sqlite;
  }

  /** A lock that goes with the process, however that ends. Readers of the database itself are not kept out. */
  #takeLock(): void {
    const path = `${this.file}.lock`;
    try {
      this.#lock = new DatabaseSync(path, { timeout: 0 });
      this.#lock.exec("PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE");
    } catch (thrown) {
      if (!isBusy(thrown)) throw thrown;
      throw unavailable(
        `the ledger ${this.file} is open in another gateway: one process per file. Give each its own file, or let all of them share a database server`,
        thrown,
      );
    }
  }

  #migrate(migrations: readonly string[]): void {
    const sqlite = this.#connection();
    const has = (name: string): boolean =>
      sqlite.prepare("SELECT 1 FROM sqlite_schema WHERE name = ?").get(name) !== undefined;
    if (!has("signalbox_version")) {
      if (sqlite.prepare("SELECT 1 FROM sqlite_schema").get() !== undefined) {
        throw unavailable(`${this.file} holds the tables of something else: give the ledger a file of its own`);
      }
      sqlite.exec("CREATE TABLE signalbox_version (version INTEGER PRIMARY KEY, applied_at TEXT NOT NULL) STRICT");
    }
    const row = sqlite.prepare("SELECT coalesce(max(version), 0) AS version FROM signalbox_version").get();
    const version = Number(row?.["version"]);
    if (version > migrations.length) {
      throw unavailable(
        `the ledger ${this.file} was written by a newer release (version ${version}, this one knows ${migrations.length}): upgrade, it is never turned back`,
      );
    }
    for (const [index, migration] of migrations.entries()) {
      if (index < version) continue;
      sqlite.exec(`BEGIN IMMEDIATE; ${migration}`);
      sqlite
        .prepare("INSERT INTO signalbox_version (version, applied_at) VALUES (?, ?)")
        .run(index + 1, new Date().toISOString());
      sqlite.exec("COMMIT");
    }
  }

  #shut(): void {
    this.#statements.clear();
    this.#sqlite?.close();
    this.#sqlite = undefined;
    this.#lock?.close();
    this.#lock = undefined;
  }
}
