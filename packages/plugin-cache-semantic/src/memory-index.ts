import type { CacheSelection, Recording } from "@signalbox/kernel";
import { dotProduct } from "./dot-product.ts";
import type { Neighbour, VectorIndex } from "./vector-index.ts";

interface Kept {
  readonly id: string;
  readonly vector: Float32Array;
  readonly recording: Recording;
}

/** The cosine of vectors that are the same, but for the last digits. */
const SAME = 0.999_999;
const DEFAULT_LIFE_MS = 3_600_000;

/** An index in the memory of this process. Compares with all of a bucket; the oldest of all go first. */
export class MemoryIndex implements VectorIndex {
  readonly #most: number;
  readonly #buckets = new Map<string, Kept[]>();
  /** Buckets by the order in which something was added, oldest first. */
  readonly #order: { readonly bucket: string; readonly id: string }[] = [];
  #next = 1;
  #size = 0;

  /** @param most recordings; default 10,000 */
  constructor(most: number = 10_000) {
    this.#most = most;
  }

  async nearest(bucket: string, vector: Float32Array): Promise<Neighbour | undefined> {
    let best: Kept | undefined;
    let similarity = Number.NEGATIVE_INFINITY;
    const now = Date.now();
    for (const kept of this.#buckets.get(bucket) ?? []) {
      const alike = dotProduct(kept.vector, vector);
      // of two that are equally alike the newer one
      if (alike === Number.NEGATIVE_INFINITY || alike < similarity || endOf(kept.recording) <= now) continue;
      best = kept;
      similarity = alike;
    }
    return best === undefined ? undefined : { id: best.id, recording: best.recording, similarity };
  }

  async add(bucket: string, vector: Float32Array, recording: Recording): Promise<void> {
    const id = String(this.#next++);
    const kept = this.#buckets.get(bucket) ?? [];
    // the same question again: its newest answer counts
    const same = kept.findIndex((each) => dotProduct(each.vector, vector) > SAME);
    if (same >= 0) this.#take(bucket, kept, same);
    kept.push({ id, vector, recording });
    this.#buckets.set(bucket, kept);
    this.#order.push({ bucket, id });
    this.#size += 1;
    while (this.#size > this.#most) {
      const oldest = this.#order.shift();
      if (oldest === undefined) break;
      await this.remove(oldest.bucket, oldest.id);
    }
    if (this.#order.length > this.#most * 2) this.#forgetRemoved();
  }

  async remove(bucket: string, id: string): Promise<void> {
    const kept = this.#buckets.get(bucket);
    const at = kept?.findIndex((each) => each.id === id) ?? -1;
    if (kept !== undefined && at >= 0) this.#take(bucket, kept, at);
  }

  async clear({ keys, namespace, tag }: CacheSelection): Promise<number> {
    const before = this.#size;
    for (const [bucket, kept] of [...this.#buckets]) {
      for (const { id, recording } of [...kept]) {
        if (keys !== undefined && !keys.includes(id)) continue;
        if (namespace !== undefined && recording.namespace !== namespace) continue;
        if (tag !== undefined && recording.tags?.includes(tag) !== true) continue;
        await this.remove(bucket, id);
      }
    }
    return before - this.#size;
  }

  async size(): Promise<number> {
    return this.#size;
  }

  async close(): Promise<void> {
    this.#buckets.clear();
    this.#order.length = 0;
    this.#size = 0;
  }

  #take(bucket: string, kept: Kept[], at: number): void {
    kept.splice(at, 1);
    this.#size -= 1;
    if (kept.length === 0) this.#buckets.delete(bucket);
  }

  /** Places of what has been removed by other ways. */
  #forgetRemoved(): void {
    const there = new Set([...this.#buckets.values()].flatMap((kept) => kept.map(({ id }) => id)));
    this.#order.splice(0, this.#order.length, ...this.#order.filter(({ id }) => there.has(id)));
  }
}

function endOf({ storedAt, expiresAt = storedAt + DEFAULT_LIFE_MS }: Recording): number {
  return expiresAt;
}
