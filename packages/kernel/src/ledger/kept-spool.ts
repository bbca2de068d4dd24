import { basename } from "node:path";
import type { Durability, Segment } from "./spool.ts";
import { Spool } from "./spool.ts";
import type { OwnedDirectory } from "./spool-directory.ts";
import { ABANDONED_MS, createDirectory, reclaim } from "./spool-directory.ts";
import type { SpoolRecord } from "./spool-records.ts";
import { RecordWriter } from "./spool-records.ts";

/** Where a spool is kept, and what is done when it has to be begun anew. */
export interface KeptSpoolOptions {
  /** Every process has a directory below it. */
  readonly root: string;
  readonly durability?: Durability | undefined;
  /** After so long a silence another process ends what is in the directory. */
  readonly abandonedMs?: number | undefined;
  /** Another process has ended what was in the spool until now: what is still needed is to be noted again. */
  readonly begunAnew: () => void;
  /** The directory has another name. */
  readonly renamed: (before: string) => void;
}

/** A moment, by a clock that stands still while a machine sleeps, and by one that may be set. */
interface Moment {
  readonly steady: number;
  readonly wall: number;
}

/** For so long nobody asks again whether the directory is still there. */
const SURE_MS = 100;
const LOOK_MS = 1_000;

/**
 * The spool of one process, in a directory that others take over when they believe that the process is gone. One that was
 * only stopped, or whose machine slept, sees that before it relies on anything that it has noted: a note counts only when the
 * directory was surely its own after the note was written.
 */
export class KeptSpool {
  readonly #options: KeptSpoolOptions;
  readonly #abandonedMs: number;
  readonly #timer: NodeJS.Timeout;
  readonly #writer = new RecordWriter();
  #owned: OwnedDirectory;
  #spool: Spool;
  #sure: Moment = now();
  #touched: Moment = now();
  #lost = false;
  #moving: Promise<void> | undefined;
  #closing = false;
  /** The promises of the spool that were asked for last, and what they tell. */
  #turn: Promise<void> | undefined;
  #kept: Promise<boolean> = Promise.resolve(true);
  #group: Promise<void> | undefined;
  #synchronised: Promise<void> = Promise.resolve();
  /** Why nothing can be noted; undefined when the last try has succeeded. */
  failure: unknown;

  private constructor(options: KeptSpoolOptions, owned: OwnedDirectory) {
    this.#options = options;
    this.#abandonedMs = options.abandonedMs ?? ABANDONED_MS;
    this.#owned = owned;
    this.#spool = this.#begin();
    this.#timer = setInterval(() => this.#tend(), Math.min(LOOK_MS, this.#abandonedMs / 8)).unref();
  }

  static async open(options: KeptSpoolOptions): Promise<KeptSpool> {
    return new KeptSpool(options, await createDirectory(options.root));
  }

  /** Of its directory. */
  get name(): string {
    return basename(this.#owned.path);
  }

  get bytes(): number {
    return this.#spool.bytes;
  }

  /** Pins what was noted until `release`. undefined: it cannot be noted, `failure` says why. */
  note(record: SpoolRecord, when: "now" | "soon"): Segment | undefined {
    try {
      const pin = this.#spool.append(this.#writer.write(record), when);
      if (this.#holds()) {
        this.failure = undefined;
        return pin;
      }
      this.release(pin);
    } catch (error) {
      this.failure = error;
    }
    return undefined;
  }

  release(pin: Segment): void {
    this.#spool.release(pin);
  }

  /** Writes what was put off. */
  flush(): void {
    this.#spool.flush();
  }

  /** Resolves when what was noted is with the operating system, in a directory of this process's own; answers whether. undefined: it is. */
  written(): Promise<boolean> | undefined {
    const spool = this.#spool;
    const turn = spool.written();
    if (turn === undefined) return undefined;
    if (turn !== this.#turn) {
      this.#turn = turn;
      this.#kept = turn.then(
        () => spool === this.#spool && this.#holds(true),
        (error: unknown) => {
          this.failure = error;
          return false;
        },
      );
    }
    return this.#kept;
  }

  /** Resolves when all is on the disk that can be. */
  durable(): Promise<void> {
    const group = this.#spool.durable();
    if (group !== this.#group) {
      this.#group = group;
      this.#synchronised = group.catch((error: unknown) => {
        this.failure = error;
      });
    }
    return this.#synchronised;
  }

  /** Everything is on the disk then. Nothing is noted any more. */
  async close(): Promise<void> {
    this.#closing = true;
    clearInterval(this.#timer);
    await this.#moving;
    await this.#spool.close();
  }

  /** Lets go of the directory; with `remove`, nothing in it is needed any more. */
  async leave(remove: boolean): Promise<void> {
    await this.#owned.release(remove && !this.#lost);
  }

  #begin(): Spool {
    const { durability } = this.#options;
    return new Spool({ directory: this.#owned.path, ...(durability !== undefined && { durability }) });
  }

  /** Whether the directory is this process's own for certain. With `look`, clocks are not believed, which may have stood still. */
  #holds(look: boolean = false): boolean {
    if (this.#lost) return false;
    const moment = now();
    if (!look && between(this.#sure, moment) < SURE_MS) return true;
    const silent = between(this.#touched, moment) > this.#abandonedMs * 0.75;
    if (silent || !this.#owned.exists) {
      this.#lost = true;
      this.failure = new Error("this process was silent for so long that another may have ended what it had under way");
      void this.#move();
      return false;
    }
    this.#sure = moment;
    return true;
  }

  /** Signs of life, and another try where nothing could be noted. */
  #tend(): void {
    if (!this.#holds()) {
      void this.#move();
      return;
    }
    try {
      const moment = now();
      if (between(this.#touched, moment) > this.#abandonedMs / 8) {
        this.#owned.touch();
        this.#touched = moment;
      }
    } catch (error) {
      this.failure = error; // also for the directory being gone: the next look sees that
      return;
    }
    const pin = this.failure === undefined ? undefined : this.note({ kind: "N", id: "" }, "now");
    if (pin !== undefined) this.release(pin);
  }

  #move(): Promise<void> {
    this.#moving ??= this.#reclaim().finally(() => {
      this.#moving = undefined;
    });
    return this.#moving;
  }

  async #reclaim(): Promise<void> {
    if (this.#closing) return;
    const before = this.name;
    const moment = now();
    try {
      this.#owned = await reclaim(this.#options.root, this.#owned);
    } catch (error) {
      this.failure = error; // again with the next look
      return;
    }
    this.#sure = moment;
    this.#touched = moment;
    this.#lost = false;
    this.failure = undefined;
    if (this.#owned.before === undefined) {
      const last = this.#spool;
      this.#spool = this.#begin();
      this.#options.begunAnew();
      await last.close().catch(() => undefined); // it is another process's business now
    } else this.#spool.moved(this.#owned.path);
    this.#options.renamed(before);
  }
}

function now(): Moment {
  return { steady: performance.now(), wall: Date.now() };
}

function between(from: Moment, to: Moment): number {
  return Math.max(to.steady - from.steady, Math.abs(to.wall - from.wall));
}
