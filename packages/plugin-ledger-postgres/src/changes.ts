import { randomUUID } from "node:crypto";
import pg from "pg";
import type { Database } from "./database.ts";

/** Any record may be another one now. */
const ANY = "*";
const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 5_000;
/** A connection that is dead on the other side tells nothing: it is asked. */
const ASKED_EVERY_MS = 10_000;
const ANSWER_MS = 2_000;
const LONGEST_PAYLOAD = 7_000;

type Listener = (collection: string, id: string) => void;

/** What other processes do to records, by LISTEN and NOTIFY on one connection that is made again when it breaks. */
export class Changes {
  readonly #database: Database;
  readonly #channel: string;
  readonly #origin: string = randomUUID();
  readonly #listeners = new Set<Listener>();
  #client: pg.Client | undefined;
  #timer: NodeJS.Timeout | undefined;
  #waitMs = FIRST_WAIT_MS;
  #missed = false;
  #started: Promise<void> | undefined;
  #closed = false;

  constructor(database: Database) {
    this.#database = database;
    this.#channel = `${database.schema.slice(1, -1)}_records`;
  }

  /** The statement that tells others, to be run in the transaction of the change. */
  notification(collection: string, id: string): readonly [text: string, values: readonly unknown[]] {
    const payload = JSON.stringify([this.#origin, collection, id]);
    const short = Buffer.byteLength(payload) <= LONGEST_PAYLOAD;
    const sent = short ? payload : JSON.stringify([this.#origin, collection, ANY]);
    return ["SELECT pg_notify($1, $2)", [this.#channel, sent]];
  }

  /** Tells this process. */
  tell(collection: string, id: string): void {
    for (const listener of this.#listeners) listener(collection, id);
  }

  /** Returns when changes are being heard of, or will be after a gap that is told of. */
  async start(): Promise<void> {
    this.#started ??= this.#connect();
    await this.#started;
  }

  listen(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#listeners.clear();
    clearTimeout(this.#timer);
    const client = this.#client;
    this.#client = undefined;
    await client?.end().catch(() => undefined); // it may be broken already
  }

  async #connect(): Promise<void> {
    const client = new pg.Client({ ...this.#database.connection, application_name: "signalbox changes" });
    this.#client = client;
    const broken = (): void => this.#reconnect(client);
    client.on("error", broken);
    client.on("end", broken);
    client.on("notification", ({ payload }) => this.#receive(payload ?? ""));
    try {
      await client.connect();
      await client.query(`LISTEN "${this.#channel}"`);
    } catch {
      return this.#reconnect(client);
    }
    if (this.#client !== client) return;
    this.#waitMs = FIRST_WAIT_MS;
    if (this.#missed) this.tell(ANY, ANY);
    this.#missed = false;
    this.#ask(client);
  }

  #ask(client: pg.Client): void {
    this.#timer = setTimeout(() => {
      const query = { text: "SELECT 1", query_timeout: ANSWER_MS };
      client.query(query).then(
        () => {
          if (this.#client === client) this.#ask(client);
        },
        () => this.#reconnect(client),
      );
    }, ASKED_EVERY_MS).unref();
  }

  #reconnect(client: pg.Client): void {
    if (this.#client !== client) return;
    this.#client = undefined;
    this.#missed = true;
    clearTimeout(this.#timer);
    client.end().catch(() => undefined); // it is broken already
    if (this.#closed) return;
    // Copies that nobody keeps in step any more are not to be trusted, from now on.
    this.tell(ANY, ANY);
    this.#timer = setTimeout(() => void this.#connect(), this.#waitMs).unref();
    this.#waitMs = Math.min(LONGEST_WAIT_MS, this.#waitMs * 2);
  }

  #receive(payload: string): void {
    const [origin, collection, id] = JSON.parse(payload) as [string, string, string];
    if (origin !== this.#origin) this.tell(collection, id);
  }
}
