import type { CacheStats, Recording } from "@signalbox/kernel";
import { decodeRecording, encodeRecording } from "@signalbox/kernel";
import type { Connection } from "@signalbox/plugin-redis/connection";
import type { Keys } from "./keys.ts";
import { pack, unpack } from "./packed.ts";

const DEFAULT_LIFE_MS = 3_600_000;
/** Off the path of calls. */
const WRITE_MS = 2_000;

/** Answers in Redis, and counts of what was done with them in this process. */
export class Answers {
  readonly #connection: Connection;
  readonly #keys: Keys;
  readonly #maxEntryBytes: number;
  readonly #compressFrom: number;
  #hits = 0;
  #misses = 0;
  #kept = 0;
  #refused = 0;

  constructor(
    connection: Connection,
    keys: Keys,
    { maxEntryBytes, compressFromBytes }: { readonly maxEntryBytes: number; readonly compressFromBytes: number },
  ) {
    this.#connection = connection;
    this.#keys = keys;
    this.#maxEntryBytes = maxEntryBytes;
    this.#compressFrom = compressFromBytes;
  }

  /** @throws {RedisFailure} */
  async find(key: string): Promise<Recording | undefined> {
    const bytes = await this.#connection.run((client) => client.getBuffer(this.#keys.answer(key)));
    const recording = bytes === null ? undefined : await this.#read(key, bytes);
    if (recording === undefined) this.#misses += 1;
    else this.#hits += 1;
    return recording;
  }

  /** What cannot be kept is counted as refused. */
  async keep(key: string, recording: Recording): Promise<void> {
    const lifeMs = Math.ceil((recording.expiresAt ?? recording.storedAt + DEFAULT_LIFE_MS) - Date.now());
    const bytes = await pack(encodeRecording(recording), this.#compressFrom);
    if (lifeMs <= 0 || bytes.length > this.#maxEntryBytes) {
      this.#refused += 1;
      return;
    }
    try {
      await this.#connection.background(WRITE_MS, (client) =>
        Promise.all([
          client.set(this.#keys.answer(key), bytes, "PX", lifeMs),
          ...this.#setsOf(recording).flatMap((set) => [
            client.sadd(set, key),
            // as long as the last of them
            client.pexpire(set, lifeMs, "GT"),
            client.pexpire(set, lifeMs, "NX"),
          ]),
        ]),
      );
      this.#kept += 1;
    } catch {
      // the connection remembers why, and readiness says it
      this.#refused += 1;
    }
  }

  async forget(key: string): Promise<void> {
    await this.#connection.background(WRITE_MS, (client) => client.unlink(this.#keys.answer(key)));
  }

  stats(): CacheStats {
    return { hits: this.#hits, misses: this.#misses, kept: this.#kept, refused: this.#refused };
  }

  /** What cannot be read, of another version say, is as good as nothing. */
  async #read(key: string, bytes: Buffer): Promise<Recording | undefined> {
    try {
      return decodeRecording(await unpack(bytes));
    } catch {
      await this.forget(key);
      return undefined;
    }
  }

  #setsOf({ namespace, tags = [] }: Recording): readonly string[] {
    return [
      ...(namespace === undefined ? [] : [this.#keys.ofNamespace(namespace)]),
      ...tags.map((tag) => this.#keys.ofTag(tag)),
    ];
  }
}
