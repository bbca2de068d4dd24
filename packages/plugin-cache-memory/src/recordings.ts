import type { CacheSelection, CacheStats, Recording } from "@signalbox/kernel";
import { sizeOf } from "./size-of.ts";

/** Bounds of what is held. */
export interface RecordingsBounds {
  readonly maxBytes: number;
  readonly maxEntries: number;
  readonly maxEntryBytes: number;
}

interface Kept {
  readonly recording: Recording;
  readonly bytes: number;
}

const DEFAULT_LIFE_MS = 3_600_000;

/** Recordings by key, within bounds: what was not asked for longest goes first. */
export class Recordings {
  readonly #bounds: RecordingsBounds;
  /** In the order in which they were last asked for. */
  readonly #kept = new Map<string, Kept>();
  #bytes = 0;
  #hits = 0;
  #misses = 0;
  #written = 0;
  #refused = 0;

  constructor(bounds: RecordingsBounds) {
    this.#bounds = bounds;
  }

  find(key: string): Recording | undefined {
    const found = this.#kept.get(key);
    if (found === undefined || endOf(found.recording) <= Date.now()) {
      if (found !== undefined) this.delete(key);
      this.#misses += 1;
      return undefined;
    }
    this.#kept.delete(key);
    this.#kept.set(key, found);
    this.#hits += 1;
    return found.recording;
  }

  keep(key: string, recording: Recording): void {
    const { maxBytes, maxEntries, maxEntryBytes } = this.#bounds;
    const bytes = sizeOf(recording, maxEntryBytes);
    this.delete(key);
    if (bytes > maxEntryBytes || bytes > maxBytes) {
      this.#refused += 1;
      return;
    }
    this.#kept.set(key, { recording, bytes });
    this.#bytes += bytes;
    this.#written += 1;
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= maxEntries && this.#bytes <= maxBytes) break;
      this.delete(oldest);
    }
  }

  delete(key: string): boolean {
    const known = this.#kept.get(key);
    if (known === undefined) return false;
    this.#bytes -= known.bytes;
    return this.#kept.delete(key);
  }

  /** Tells how many are gone. */
  clear({ keys, namespace, tag }: CacheSelection): number {
    let gone = 0;
    for (const key of keys ?? [...this.#kept.keys()]) {
      const recording = this.#kept.get(key)?.recording;
      if (recording === undefined) continue;
      if (namespace !== undefined && recording.namespace !== namespace) continue;
      if (tag !== undefined && recording.tags?.includes(tag) !== true) continue;
      if (this.delete(key)) gone += 1;
    }
    return gone;
  }

  stats(): CacheStats {
    return {
      hits: this.#hits,
      misses: this.#misses,
      kept: this.#written,
      refused: this.#refused,
      entries: this.#kept.size,
      bytes: this.#bytes,
    };
  }
}

function endOf({ storedAt, expiresAt = storedAt + DEFAULT_LIFE_MS }: Recording): number {
  return expiresAt;
}
