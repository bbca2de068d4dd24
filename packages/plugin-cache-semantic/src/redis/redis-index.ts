import { randomUUID } from "node:crypto";
import { z } from "zod";
import type { CacheSelection, Health, Recording } from "@signalbox/kernel";
import { decodeRecording, encodeRecording, GatewayError } from "@signalbox/kernel";
import { CONNECTION_SHAPE, Connection, checkRedisOptions, RedisFailure } from "@signalbox/plugin-redis/connection";
import { dotProduct } from "../dot-product.ts";
import type { Neighbour, VectorIndex } from "../vector-index.ts";
import { clearQuestions } from "./clear-questions.ts";
import { IndexKeys } from "./index-keys.ts";
import { packAnswer, packVector, sameVector, unpackAnswer, unpackVector } from "./packed-vector.ts";
import type { RedisIndexOptions } from "./redis-index-options.ts";

const DEFAULT_LIFE_MS = 3_600_000;
const PER_BUCKET = 200;
/** Off the path of calls. */
const WRITE_MS = 2_000;
const CHECK_MS = 800;
/** Answers that Redis has let go before their vectors. */
const MOST_TRIES = 3;

const schema = z.strictObject({
  ...CONNECTION_SHAPE,
  namespace: z
    .string()
    .regex(/^[^{}\s]{1,100}$/, "a name without spaces and braces")
    .exactOptional(),
  perBucket: z.int().min(1).max(10_000).exactOptional(),
  onUnreachable: z.enum(["fail", "skip"]).exactOptional(),
});

/** What stands in a bucket. */
interface Candidate {
  readonly id: string;
  readonly addedAt: number;
  readonly expired: boolean;
  readonly alike: number;
}

/**
 * An index in a plain Redis, for all processes of a gateway. Redis compares nothing: a bucket's vectors, a byte for each
 * dimension, are read and compared here, so that a bucket has bounds. The likeness that is told is that of the exact ones.
 *
 * @throws {GatewayError} `option_invalid` naming the option
 */
export class RedisIndex implements VectorIndex {
  readonly #connection: Connection;
  readonly #keys: IndexKeys;
  readonly #perBucket: number;
  readonly #waits: boolean;
  #opening: Promise<void> | undefined;

  constructor(options: RedisIndexOptions = {}) {
    checkRedisOptions("cache-semantic", schema, options);
    this.#connection = new Connection(options);
    this.#keys = new IndexKeys(options.namespace ?? "signalbox");
    this.#perBucket = options.perBucket ?? PER_BUCKET;
    this.#waits = options.onUnreachable === "skip";
  }

  /** @throws {GatewayError} `plugin_setup_failed` when Redis is not there, unless that was to be skipped */
  async open(): Promise<void> {
    this.#opening ??= this.#connection.open(this.#waits);
    // it comes when it comes, and `ping` tells
    if (this.#waits) return void this.#opening.catch(() => undefined);
    await this.#opening.catch((error: unknown) => {
      throw new GatewayError("plugin_setup_failed", `cache-semantic: ${messageOf(error)}`, { cause: error });
    });
  }

  async nearest(bucket: string, vector: Float32Array): Promise<Neighbour | undefined> {
    try {
      const all = await this.#connection.run((client) => client.hgetallBuffer(this.#keys.vectors(bucket)));
      const alike = candidates(all, vector).filter(({ expired }) => !expired);
      alike.sort((one, other) => other.alike - one.alike || other.addedAt - one.addedAt);
      for (const { id } of alike.slice(0, MOST_TRIES)) {
        const found = await this.#answer(bucket, id, vector);
        if (found !== undefined) return found;
      }
    } catch (error) {
      // the connection remembers why, and `ping` says it
      if (!(error instanceof RedisFailure)) throw error;
    }
    return undefined;
  }

  /** @throws {RedisFailure} */
  async add(bucket: string, vector: Float32Array, recording: Recording): Promise<void> {
    const now = Date.now();
    const expiresAt = recording.expiresAt ?? recording.storedAt + DEFAULT_LIFE_MS;
    const lifeMs = Math.ceil(expiresAt - now);
    if (lifeMs <= 0) return;
    const vectors = this.#keys.vectors(bucket);
    const all = await this.#connection.background(WRITE_MS, (client) => client.hgetallBuffer(vectors));
    const id = `${bucket}.${randomUUID()}`;
    const packed = packVector(vector, now, expiresAt);
    const same = new Set(Object.keys(all).filter((each) => sameVector(all[each] as Buffer, packed)));
    const gone = this.#outdated(candidates(all, vector), same);
    const answer = packAnswer(vector, encodeRecording(recording));
    await this.#connection.background(WRITE_MS, (client) =>
      Promise.all([
        client.set(this.#keys.answer(id), answer, "PX", lifeMs),
        client.hset(vectors, id, packed),
        // as long as the last of them
        client.pexpire(vectors, lifeMs, "GT"),
        client.pexpire(vectors, lifeMs, "NX"),
        ...(gone.length > 0 ? [client.hdel(vectors, ...gone)] : []),
        ...gone.map((each) => client.unlink(this.#keys.answer(each))),
        ...this.#keys
          .setsOf(recording)
          .flatMap((set) => [
            client.sadd(set, id),
            client.pexpire(set, lifeMs, "GT"),
            client.pexpire(set, lifeMs, "NX"),
          ]),
      ]),
    );
  }

  async remove(bucket: string, id: string): Promise<void> {
    await this.#connection.background(WRITE_MS, (client) =>
      Promise.all([client.hdel(this.#keys.vectors(bucket), id), client.unlink(this.#keys.answer(id))]),
    );
  }

  clear(selection: CacheSelection): Promise<number> {
    return clearQuestions(this.#connection, this.#keys, selection);
  }

  /** Counting would be to look at every key of Redis. */
  async size(): Promise<undefined> {
    return undefined;
  }

  async ping(): Promise<Health> {
    try {
      await this.#connection.background(CHECK_MS, (client) => client.ping());
      return { ok: true };
    } catch (error) {
      return { ok: false, detail: messageOf(error) };
    }
  }

  async close(): Promise<void> {
    this.#connection.close();
    await this.#opening?.catch(() => undefined);
  }

  async #answer(bucket: string, id: string, vector: Float32Array): Promise<Neighbour | undefined> {
    const bytes = await this.#connection.run((client) => client.getBuffer(this.#keys.answer(id)));
    try {
      if (bytes !== null) {
        const found = unpackAnswer(bytes);
        return { id, recording: decodeRecording(found.recording), similarity: dotProduct(found.vector, vector) };
      }
    } catch {
      // what cannot be read, of another version say, is as good as nothing
    }
    await this.remove(bucket, id);
    return undefined;
  }

  /** The same question, whose newest answer counts; what has expired; and the oldest of too many. */
  #outdated(all: readonly Candidate[], same: ReadonlySet<string>): readonly string[] {
    const out = all.filter(({ id, expired }) => expired || same.has(id));
    const rest = all.filter((each) => !out.includes(each)).sort((one, other) => one.addedAt - other.addedAt);
    const tooMany = Math.max(0, rest.length + 1 - this.#perBucket);
    return [...out, ...rest.slice(0, tooMany)].map(({ id }) => id);
  }
}

/** Vectors of another dimension, and what is no vector, have expired. */
function candidates(all: Readonly<Record<string, Buffer>>, vector: Float32Array): Candidate[] {
  const now = Date.now();
  return Object.entries(all).map(([id, bytes]) => {
    const packed = unpackVector(bytes);
    if (packed === undefined || packed.dimensions !== vector.length) {
      return { id, addedAt: 0, expired: true, alike: Number.NEGATIVE_INFINITY };
    }
    return { id, addedAt: packed.addedAt, expired: packed.expiresAt <= now, alike: packed.product(vector) };
  });
}

function messageOf(error: unknown): string {
  if (error instanceof RedisFailure) return error.message;
  throw error;
}
