import type { CacheSelection, Health, Recording } from "@signalbox/kernel";

/** A recording whose question is near to another one. */
export interface Neighbour {
  readonly id: string;
  readonly recording: Recording;
  /** Cosine, up to 1 for the same direction. */
  readonly similarity: number;
}

/**
 * Where questions and their answers are kept. All in one bucket agree in everything that is compared exactly: an index
 * never looks into another one. Vectors have the length 1, and one dimension per bucket.
 */
export interface VectorIndex {
  /** Before the gateway takes calls. */
  open?(): Promise<void>;
  /** The most alike recording that has not expired. */
  nearest(bucket: string, vector: Float32Array): Promise<Neighbour | undefined>;
  add(bucket: string, vector: Float32Array, recording: Recording): Promise<void>;
  remove(bucket: string, id: string): Promise<void>;
  /** Tells how many are gone. `keys` are ids. */
  clear(selection: CacheSelection): Promise<number>;
  /** How many recordings there are; undefined where counting would be too much. */
  size(): Promise<number | undefined>;
  ping?(): Health | Promise<Health>;
  close?(): Promise<void>;
}
