import { closeSync, fdatasync, fsyncSync, ftruncateSync, mkdirSync, openSync, unlinkSync, writeSync } from "node:fs";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { frameRecord, mostFrameBytes, writeFrame } from "./spool-frames.ts";

const syncData = promisify(fdatasync);

/** When a record that must not be lost counts as written. */
export type Durability =
  /** Each is on the disk before it counts. */
  | "always"
  /** Those of 5 ms together are on the disk; of more, up to 50 ms, while the disk takes long. */
  | "group"
  /** The operating system has it: it survives the end of the process, not a power failure. */
  | "none";

/** Where a spool writes, and how safely. */
export interface SpoolOptions {
  /** Exists already, and is this spool's alone. */
  readonly directory: string;
  /** A segment takes no more records once it is as large as this. Default 16 MiB. */
  readonly segmentBytes?: number;
  /** Default `group`. */
  readonly durability?: Durability;
}

/** One file of a spool. It is deleted when nothing in it, nor in an older one, is needed any more. */
export interface Segment {
  readonly number: number;
  path: string;
  bytes: number;
  /** How many records are still needed. */
  pins: number;
}

/** Those who wait for the same. */
type Waiting = PromiseWithResolvers<void>;

const DEFAULT_SEGMENT_BYTES = 16 * 1_048_576;
const GROUP_MS = 5;
/** A disk that is slow is not asked for more than this share of the time, unless that is later than `LATEST_MS`. */
const SYNC_SHARE = 0.1;
const LATEST_MS = 50;
const DONE: Promise<void> = Promise.resolve();
const BUFFER_BYTES = 262_144;

/**
 * A write-ahead log of one process: append-only segments. An appended record is with the operating system when `append`
 * returns (`now`), or soon after (`soon`), and on the disk when `durable` resolves.
 */
export class Spool {
  #directory: string;
  readonly #segmentBytes: number;
  readonly #durability: Durability;
  readonly #segments: Segment[] = [];
  #number = 0;
  #file: number | undefined;
  /** Segments that are full and not yet on the disk. */
  #retiring: Promise<unknown> = Promise.resolve();
  /** For the disk. */
  #waiting: Waiting | undefined;
  /** For the next write. */
  #turn: Waiting | undefined;
  #groupMs = GROUP_MS;
  #timer: NodeJS.Timeout | undefined;
  #syncing: Promise<void> | undefined;
  #bytes = 0;
  /** Framed records that are not written yet. */
  readonly #buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  #filled = 0;
  #flushing: NodeJS.Immediate | undefined;
  /** The last write failed: until one succeeds, nothing is put off. */
  #broken = false;

  constructor(options: SpoolOptions) {
    this.#directory = options.directory;
    this.#segmentBytes = options.segmentBytes ?? DEFAULT_SEGMENT_BYTES;
    this.#durability = options.durability ?? "group";
  }

  /** Of all segments that are there. */
  get bytes(): number {
    return this.#bytes + this.#filled;
  }

  /** From the oldest to the one that is written to. */
  get segments(): readonly Segment[] {
    return this.#segments;
  }

  /**
   * Writes a record and pins its segment; `release` gives it free. With `soon` the record goes with the next one that is
   * written now, at the latest when the event loop has come round: `durable` tells whether that succeeded.
   *
   * @throws the error of the file system, ENOSPC among others; nothing of the record is kept then, nor of those that were
   * to go with it
   */
  append(payload: string, when: "now" | "soon" = "now"): Segment {
    const most = mostFrameBytes(payload);
    if (this.#filled + most > BUFFER_BYTES) this.#flush();
    const segment = this.#current();
    if (most > BUFFER_BYTES) this.#write(segment, frameRecord(payload));
    else this.#filled = writeFrame(payload, this.#buffer, this.#filled);
    if (when === "now" || this.#broken) this.#flush();
    else this.#flushing ??= setImmediate(() => this.#flushQuietly());
    segment.pins++;
    return segment;
  }

  release(segment: Segment): void {
    segment.pins--;
    while (this.#segments.length > 1 && this.#segments[0]?.pins === 0) this.#delete(this.#segments[0]);
  }

  /**
   * Resolves when all that was appended until now is with the operating system: at the latest when the event loop has come
   * round. Rejects when it cannot be written. undefined: it is there already.
   */
  written(): Promise<void> | undefined {
    if (this.#filled === 0) return undefined;
    if (this.#turn === undefined) {
      this.#turn = Promise.withResolvers();
      // whether it succeeds is known to whoever waits for it
      this.#turn.promise.catch(() => undefined);
    }
    return this.#turn.promise;
  }

  /** Resolves when all that was appended until now is durable; the same promise for those that wait together. */
  durable(): Promise<void> {
    if (this.#durability === "none") return this.written() ?? DONE;
    if (this.#waiting === undefined) {
      this.#waiting = Promise.withResolvers();
      this.#waiting.promise.catch(() => undefined);
      if (this.#syncing === undefined) this.#ask();
    }
    return this.#waiting.promise;
  }

  /** Writes what was put off: before others learn of it. A failure is told to whoever waits for durability. */
  flush(): void {
    this.#flushQuietly();
  }

  /** Its directory has another name now. */
  moved(directory: string): void {
    this.#directory = directory;
    for (const segment of this.#segments) segment.path = join(directory, basename(segment.path));
  }

  /** What is pinned stays on the disk. */
  async close(): Promise<void> {
    do {
      this.#sync();
      await this.#syncing;
    } while (this.#waiting !== undefined);
    await this.#retiring;
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }

  #ask(): void {
    if (this.#durability === "always") setImmediate(() => this.#sync());
    else this.#timer ??= setTimeout(() => this.#sync(), this.#groupMs);
  }

  #sync(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#flushQuietly();
    const waiting = this.#waiting;
    if (waiting === undefined || this.#syncing !== undefined) return;
    this.#waiting = undefined;
    const begun = performance.now();
    this.#syncing = this.#synced()
      .then(waiting.resolve, waiting.reject)
      .finally(() => {
        this.#groupMs = Math.max(GROUP_MS, Math.min((performance.now() - begun) / SYNC_SHARE, LATEST_MS));
        this.#syncing = undefined;
        if (this.#waiting !== undefined) this.#ask();
      });
  }

  async #synced(): Promise<void> {
    const retiring = this.#retiring;
    if (this.#file !== undefined) await syncData(this.#file);
    await retiring;
  }

  #flushQuietly(): void {
    try {
      this.#flush();
    } catch {
      // whoever waits for durability has been told
    }
  }

  /** Writes what was put off. */
  #flush(): void {
    clearImmediate(this.#flushing);
    this.#flushing = undefined;
    if (this.#filled === 0) return;
    const bytes = this.#buffer.subarray(0, this.#filled);
    this.#filled = 0;
    this.#write(this.#segments.at(-1) as Segment, bytes);
  }

  #write(segment: Segment, bytes: Buffer): void {
    let written = 0;
    try {
      while (written < bytes.length) written += writeSync(this.#file as number, bytes, written);
    } catch (error) {
      this.#broken = true;
      this.#abandon(segment);
      this.#waiting?.reject(error);
      this.#turn?.reject(error);
      this.#waiting = undefined;
      this.#turn = undefined;
      throw error;
    }
    this.#broken = false;
    this.#turn?.resolve();
    this.#turn = undefined;
    segment.bytes += bytes.length;
    this.#bytes += bytes.length;
  }

  /** The segment to write to: another one when the last is full. */
  #current(): Segment {
    const last = this.#segments.at(-1);
    if (last !== undefined && this.#file !== undefined && last.bytes + this.#filled < this.#segmentBytes) return last;
    this.#flush();
    mkdirSync(this.#directory, { recursive: true });
    const number = this.#number + 1;
    const path = join(this.#directory, `${String(number).padStart(8, "0")}.log`);
    const file = openSync(path, "a");
    this.#number = number;
    if (this.#durability !== "none") this.#syncDirectory();
    this.#retire();
    this.#file = file;
    const segment: Segment = { number, path, bytes: 0, pins: 0 };
    this.#segments.push(segment);
    while (this.#segments.length > 1 && this.#segments[0]?.pins === 0) this.#delete(this.#segments[0]);
    return segment;
  }

  /** So that a new file is found again after a power failure. */
  #syncDirectory(): void {
    const directory = openSync(this.#directory, "r");
    try {
      fsyncSync(directory);
    } finally {
      closeSync(directory);
    }
  }

  #retire(): void {
    const file = this.#file;
    if (file === undefined) return;
    this.#file = undefined;
    const before = this.#retiring;
    const retired = (async () => {
      try {
        if (this.#durability !== "none") await syncData(file);
      } finally {
        closeSync(file);
      }
    })();
    this.#retiring = Promise.all([before, retired]);
    // whoever waits for durability is told; nobody else has to be
    this.#retiring.catch(() => undefined);
  }

  /** A write that failed in the middle: the torn record is cut off, and the next one goes to another file. */
  #abandon(segment: Segment): void {
    try {
      ftruncateSync(this.#file as number, segment.bytes);
    } catch {
      // a torn tail is cut when the segment is read
    }
    this.#retire();
  }

  #delete(segment: Segment): void {
    this.#segments.shift();
    this.#bytes -= segment.bytes;
    try {
      unlinkSync(segment.path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  }
}
