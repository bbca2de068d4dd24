import { randomUUID } from "node:crypto";
import type { SharedState, StateListener } from "@signalbox/kernel";
import type { Connection } from "../connection/connection.ts";
import type { Client } from "../connection/create-client.ts";
import { LocalCopy, partField, valueField } from "./local-copy.ts";
import { READ, WRITE } from "./state-scripts.ts";

const BATCH_EVERY_MS = 5;
const MOST_IN_BATCH = 500;
const MOST_ENTRIES = 100_000;
const BACKGROUND_MS = 2_000;
const RETRY_MS = 500;
/** Longer than a page of a snapshot is under way. */
const TOMBSTONE_MS = 30_000;

type Message = [process: string, stamp: string, ...[field: string, value: string, ttlMs: number, version: number][]];
type Page = [epoch: string, stamp: string, now: string, cursor: string, entries: string[]];

/**
 * Shared state by way of Redis. Reads are answered from a copy; writes travel in batches, are stored for processes that
 * come later, and are published to those that are there. Without Redis the copy goes on alone; when it is back, what was
 * written meanwhile is sent, and what others wrote is read.
 */
export class RedisState implements SharedState {
  readonly #connection: Connection;
  readonly #prefix: string;
  readonly #process: string = randomUUID();
  readonly #copy: LocalCopy;
  readonly #most: number;
  /** Fields whose last write is not known to be in Redis, with its JSON. */
  readonly #waiting = new Map<string, string>();
  #subscriber: Client | undefined;
  #timer: NodeJS.Timeout | undefined;
  #sending = false;
  #version = 0;
  #epoch = "";
  #closed = false;

  constructor(connection: Connection, namespace: string, mostEntries: number = MOST_ENTRIES) {
    this.#connection = connection;
    this.#prefix = `{${namespace}:state}:`;
    this.#most = mostEntries;
    this.#copy = new LocalCopy(mostEntries);
  }

  /** How many writes have still to be sent. */
  get unsent(): number {
    return this.#waiting.size;
  }

  /** Listens to other processes, and reads what is there whenever the connection has been made. */
  start(): void {
    if (this.#subscriber !== undefined) return;
    const subscriber = this.#connection.another();
    this.#subscriber = subscriber;
    subscriber.on("message", (_channel: string, text: string) => this.#receive(JSON.parse(text) as Message));
    // The connection for commands tells what is wrong with Redis.
    subscriber.on("error", () => undefined);
    subscriber.on("ready", () => void this.#resynchronise(subscriber));
    // A failure is followed by "close", and by another try.
    subscriber.connect().catch(() => undefined);
  }

  get(key: string): unknown {
    return this.#copy.living(valueField(key))?.value;
  }

  set(key: string, value: unknown, ttlMs: number): void {
    this.#write(valueField(key), value, ttlMs);
  }

  delete(key: string): void {
    this.#write(valueField(key), undefined, TOMBSTONE_MS);
  }

  add(key: string, amount: number, ttlMs: number): void {
    const field = partField(this.#process, key);
    const part = (this.#copy.living(field)?.value as number | undefined) ?? 0;
    this.#write(field, part + amount, ttlMs);
  }

  sum(key: string): number {
    return this.#copy.sum(key);
  }

  watch(prefix: string, listener: StateListener): () => void {
    return this.#copy.watch(prefix, listener);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    clearTimeout(this.#timer);
    // What was written last is of use to the others.
    await this.#send();
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#subscriber?.disconnect();
  }

  #write(field: string, value: unknown, ttlMs: number): void {
    // What is no JSON is the writer's mistake, and nothing has changed yet.
    const text = textOf(value);
    this.#version += 1;
    const until = performance.now() + ttlMs;
    this.#copy.put(field, { value, until, stamp: Number.POSITIVE_INFINITY, version: this.#version });
    this.#waiting.set(field, text);
    if (this.#waiting.size > this.#most) this.#leaveOut();
    this.#sendIn(BATCH_EVERY_MS);
  }

  /** Redis has been away for long: what was first written goes first, a tenth at a time. */
  #leaveOut(): void {
    let excess = this.#waiting.size - Math.floor(this.#most * 0.9);
    for (const field of this.#waiting.keys()) {
      if (excess-- <= 0) break;
      this.#waiting.delete(field);
    }
  }

  #sendIn(milliseconds: number): void {
    if (this.#timer !== undefined || this.#sending || this.#closed) return;
    this.#timer = setTimeout(() => void this.#send(), milliseconds).unref();
  }

  async #send(): Promise<void> {
    this.#timer = undefined;
    if (this.#sending || this.#closed) return;
    const sent: [field: string, version: number, text: string][] = [];
    const args: (string | number)[] = [`${this.#prefix}news`, this.#process, randomUUID(), this.#most];
    const now = performance.now();
    for (const [field, text] of this.#waiting) {
      if (sent.length === MOST_IN_BATCH) break;
      this.#waiting.delete(field);
      const entry = this.#copy.get(field);
      // It made room for others, or its time is over: then nobody needs to know.
      if (entry === undefined || entry.until <= now) continue;
      args.push(field, text, Math.ceil(entry.until - now), entry.version);
      sent.push([field, entry.version, text]);
    }
    if (sent.length === 0) return;
    this.#sending = true;
    let nextMs = BATCH_EVERY_MS;
    try {
      const evaluation = { key: this.#prefix, args, backgroundMs: BACKGROUND_MS };
      const [epoch, stamp] = (await this.#connection.evaluate(WRITE, evaluation)) as [string, string];
      for (const [field, version] of sent) this.#arrived(field, version, Number(stamp));
      // Redis has lost its data: what this process knows first-hand is sent again.
      if (this.#epoch !== "" && this.#epoch !== epoch) this.#sendAgain();
      this.#epoch = epoch;
    } catch {
      // Redis is away, which readiness tells. Sending the same write twice does no harm.
      for (const [field, , text] of sent) if (!this.#waiting.has(field)) this.#waiting.set(field, text);
      nextMs = RETRY_MS * (0.5 + Math.random());
    } finally {
      this.#sending = false;
    }
    if (this.#waiting.size > 0) this.#sendIn(nextMs);
  }

  #arrived(field: string, version: number, stamp: number): void {
    const entry = this.#copy.get(field);
    if (entry?.version === version) entry.stamp = Math.min(entry.stamp, stamp);
  }

  /** News come in the order of Redis, those of this process among them. */
  #receive([process, stampText, ...writes]: Message): void {
    const stamp = Number(stampText);
    for (const [field, text, ttlMs, version] of writes) {
      if (process === this.#process) this.#arrived(field, version, stamp);
      else this.#take(field, text, performance.now() + ttlMs, stamp);
    }
  }

  #take(field: string, text: string, until: number, stamp: number): void {
    const known = this.#copy.get(field);
    if (known !== undefined && known.stamp >= stamp) return;
    const value: unknown = text === "" ? undefined : JSON.parse(text);
    const end = value === undefined ? performance.now() + TOMBSTONE_MS : until;
    this.#copy.put(field, { value, until: end, stamp, version: 0 });
    this.#copy.tell(field, value);
  }

  async #resynchronise(subscriber: Client): Promise<void> {
    try {
      // First listened, then read: nothing falls in between, and stamps tell what is newer.
      await subscriber.subscribe(`${this.#prefix}news`);
      await this.#readAll();
    } catch {
      if (!this.#closed) setTimeout(() => this.#again(subscriber), RETRY_MS).unref();
    }
  }

  #again(subscriber: Client): void {
    if (!this.#closed && subscriber.status === "ready") void this.#resynchronise(subscriber);
  }

  async #readAll(): Promise<void> {
    const seen = new Set<string>();
    let since: number | undefined;
    let cursor = "0";
    do {
      const evaluation = { key: this.#prefix, args: [cursor], backgroundMs: BACKGROUND_MS };
      const page = (await this.#connection.evaluate(READ, evaluation)) as Page;
      const [epoch, stamp, now, next, entries] = page;
      if (since === undefined) {
        since = Number(stamp);
        if (this.#epoch !== "" && this.#epoch !== epoch) return this.#lost(epoch);
        this.#epoch = epoch;
      }
      for (let at = 0; at < entries.length; at += 2) {
        seen.add(entries[at] as string);
        this.#takeStored(entries[at] as string, entries[at + 1] as string, Number(now));
      }
      cursor = next;
    } while (cursor !== "0");
    for (const [field, { stamp, value }] of [...this.#copy.fields()]) {
      if (seen.has(field) || stamp > since || value === undefined) continue;
      // Deleted by another process while this one did not listen.
      this.#copy.drop(field);
      this.#copy.tell(field, undefined);
    }
    if (this.#waiting.size > 0) this.#sendIn(BATCH_EVERY_MS);
  }

  #takeStored(field: string, stored: string, now: number): void {
    const [stamp = "", until = ""] = stored.split(" ", 2);
    const leftMs = Number(until) - now;
    const known = this.#copy.get(field);
    // This process's own part is what this process says.
    if (leftMs <= 0 || known?.stamp === Number.POSITIVE_INFINITY) return;
    this.#take(field, stored.slice(stamp.length + until.length + 2), performance.now() + leftMs, Number(stamp));
  }

  #lost(epoch: string): void {
    this.#epoch = epoch;
    this.#sendAgain();
    this.#sendIn(BATCH_EVERY_MS);
  }

  #sendAgain(): void {
    for (const [field, entry] of this.#copy.fields()) {
      if (entry.version === 0) continue;
      entry.stamp = Number.POSITIVE_INFINITY;
      if (!this.#waiting.has(field)) this.#waiting.set(field, textOf(entry.value));
    }
  }
}

/** @throws {TypeError} when it is no JSON */
function textOf(value: unknown): string {
  return JSON.stringify(value) ?? "";
}
