import { AsyncLocalStorage } from "node:async_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import type { ClientConfig, PoolClient, QueryResultRow } from "pg";
import pg from "pg";
import type { ErrorCode } from "@signalbox/kernel";
import { GatewayError, isGatewayError } from "@signalbox/kernel";
import { explained, isTransient, isUnreachable, withoutSecrets } from "./database-errors.ts";

/** How long a query that is not on the path of a call may take: reports, migrations. */
const LONG_MS = 120_000;
const OPENS_AFTER = 5;
const OPEN_MS = 1_000;

export interface DatabaseOptions {
  readonly url: string;
  readonly pool?: number;
  readonly connectTimeoutMs?: number;
  readonly statementTimeoutMs?: number;
  readonly schema?: string;
  readonly ssl?: ClientConfig["ssl"];
}

/** Runs statements on one connection. */
export interface Session {
  query<Row extends QueryResultRow>(text: string, values?: readonly unknown[]): Promise<readonly Row[]>;
}

interface Transaction {
  readonly session: Session;
  /** Runs when the transaction has been committed. */
  readonly afterwards: (() => void)[];
  /** Savepoints of concurrent writers must not cross. */
  queue: Promise<unknown>;
  /** What still runs in its context is on its own. */
  over: boolean;
}

/** A bounded pool behind a breaker; what it throws are errors of the gateway, without credentials. */
export class Database {
  readonly schema: string;
  readonly connection: ClientConfig;
  readonly #url: string;
  readonly #statementTimeoutMs: number;
  readonly #pool: pg.Pool;
  readonly #transaction = new AsyncLocalStorage<Transaction>();
  #failures = 0;
  #openUntil = 0;
  #probing = false;
  #closed: Promise<void> | undefined;

  constructor({ url, pool, connectTimeoutMs, statementTimeoutMs, schema, ssl }: DatabaseOptions) {
    this.#url = url;
    this.schema = `"${schema ?? "signalbox"}"`;
    this.#statementTimeoutMs = statementTimeoutMs ?? 5_000;
    this.connection = {
      connectionString: url,
      connectionTimeoutMillis: connectTimeoutMs ?? 10_000,
      keepAlive: true,
      statement_timeout: this.#statementTimeoutMs,
      application_name: "signalbox",
      ...(ssl === undefined ? {} : { ssl }),
    };
    this.#pool = new pg.Pool({ ...this.connection, max: pool ?? 10, idleTimeoutMillis: 30_000 });
    // A connection that breaks while idle is replaced by the pool when it is needed.
    this.#pool.on("error", () => undefined);
    // The pool hears of no errors of a connection that it has handed out, and one may break in the same moment. Whoever
    // uses it is told by its next statement.
    this.#pool.on("connect", (client) => void client.on("error", () => undefined));
  }

  /** One statement, on the connection of the transaction that it is in, if any. */
  async query<Row extends QueryResultRow>(text: string, values: readonly unknown[] = []): Promise<readonly Row[]> {
    const current = this.#current();
    if (current !== undefined) return await current.session.query<Row>(text, values);
    return await this.#run(this.#statementTimeoutMs, (session) => session.query<Row>(text, values));
  }

  /** One statement that may be repeated without effect: again after a deadlock, and at once after a cut connection. */
  async repeat<Row extends QueryResultRow>(text: string, values: readonly unknown[] = []): Promise<readonly Row[]> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.query<Row>(text, values);
      } catch (error) {
        const most = isUnreachable(error) ? 3 : 8;
        if (attempt >= most || this.isClosed || !isTransient(error)) throw error;
      }
      await sleep(5 * 2 ** attempt * (0.5 + Math.random()));
    }
  }

  /** Work that may take minutes and stands in no call's way, in a transaction of its own. */
  async long<Result>(body: (session: Session) => Promise<Result>): Promise<Result> {
    return await this.#run(LONG_MS, async (session) => {
      await session.query("BEGIN");
      await session.query(`SET LOCAL statement_timeout = ${LONG_MS}`);
      const result = await body(session);
      await session.query("COMMIT");
      return result;
    });
  }

  /** Everything that `body` does here happens, or nothing does. Inside another transaction it is a part of that one. */
  async transaction<Result>(body: () => Promise<Result>): Promise<Result> {
    if (this.#current() !== undefined) return await body();
    const afterwards: (() => void)[] = [];
    const result = await this.#run(this.#statementTimeoutMs, async (session) => {
      await session.query("BEGIN");
      const own: Transaction = { session, afterwards, queue: Promise.resolve(), over: false };
      try {
        const answer = await this.#transaction.run(own, body);
        await session.query("COMMIT");
        return answer;
      } finally {
        own.over = true;
      }
    });
    for (const task of afterwards) task();
    return result;
  }

  /** In a transaction; when it fails inside a larger one, that one can go on. */
  async step<Result>(body: () => Promise<Result>): Promise<Result> {
    const current = this.#current();
    if (current === undefined) return await this.transaction(body);
    const step = current.queue.then(async () => {
      await current.session.query("SAVEPOINT step");
      try {
        const result = await body();
        await current.session.query("RELEASE SAVEPOINT step");
        return result;
      } catch (error) {
        await current.session.query("ROLLBACK TO SAVEPOINT step");
        throw error;
      }
    });
    current.queue = step.catch(() => undefined);
    return await step;
  }

  /** Now, or when the transaction around has been committed. */
  afterwards(task: () => void): void {
    const current = this.#current();
    if (current === undefined) task();
    else current.afterwards.push(task);
  }

  get isClosed(): boolean {
    return this.#closed !== undefined;
  }

  close(): Promise<void> {
    this.#closed ??= this.#pool.end();
    return this.#closed;
  }

  /** What went wrong, without credentials. */
  error(thrown: unknown, code: ErrorCode = "ledger_unavailable"): GatewayError {
    if (isGatewayError(thrown)) return thrown;
    const cause = withoutSecrets(thrown, this.#url);
    return new GatewayError(code, explained(thrown, cause.message), {
      source: "ledger-postgres",
      retryAfterMs: 1_000,
      cause,
    });
  }

  async #run<Result>(timeoutMs: number, body: (session: Session) => Promise<Result>): Promise<Result> {
    if (this.#closed !== undefined) throw this.error(new Error("the pool is closed"));
    const probe = this.#enter();
    try {
      const result = await this.#with(timeoutMs, body);
      this.#failures = 0;
      return result;
    } catch (error) {
      if (isLost(error)) this.#fail();
      else this.#failures = 0;
      throw error;
    } finally {
      if (probe) this.#probing = false;
    }
  }

  async #with<Result>(timeoutMs: number, body: (session: Session) => Promise<Result>): Promise<Result> {
    const client = await this.#guard(() => this.#pool.connect());
    let failed = false;
    try {
      return await body(this.#session(client, timeoutMs));
    } catch (error) {
      failed = isLost(error) || (await rollback(client));
      throw error;
    } finally {
      client.release(failed);
    }
  }

  #session(client: PoolClient, timeoutMs: number): Session {
    return {
      query: async <Row extends QueryResultRow>(text: string, values: readonly unknown[] = []) => {
        // The server's timeout ends the statement; the client's ends waiting for a server that is silent.
        const query = { text, values: values as unknown[], query_timeout: timeoutMs };
        return (await this.#guard(() => client.query<Row>(query))).rows;
      },
    };
  }

  async #guard<Result>(body: () => Promise<Result>): Promise<Result> {
    try {
      return await body();
    } catch (error) {
      throw this.error(error);
    }
  }

  #current(): Transaction | undefined {
    const transaction = this.#transaction.getStore();
    return transaction?.over === false ? transaction : undefined;
  }

  /** Whether this is the one call that finds out if the database is back. */
  #enter(): boolean {
    if (this.#failures < OPENS_AFTER) return false;
    const waitMs = this.#openUntil - performance.now();
    if (waitMs > 0 || this.#probing) {
      throw new GatewayError("ledger_unavailable", "PostgreSQL has failed repeatedly and is being left alone", {
        source: "ledger-postgres",
        retryAfterMs: Math.max(1, Math.ceil(waitMs)),
        cause: Object.assign(new Error("breaker open"), { code: "ECONNREFUSED" }),
      });
    }
    this.#probing = true;
    return true;
  }

  #fail(): void {
    this.#failures++;
    if (this.#failures >= OPENS_AFTER) this.#openUntil = performance.now() + OPEN_MS;
  }
}

/** Whether the connection is of no use any more; what else is thrown is the business of whoever threw it. */
function isLost(error: unknown): boolean {
  return isGatewayError(error) && error.source === "ledger-postgres" && isUnreachable(error);
}

/** Answers whether the connection is broken. */
async function rollback(client: PoolClient): Promise<boolean> {
  try {
    await client.query("ROLLBACK");
    return false;
  } catch {
    return true; // the connection is of no use either
  }
}
