/** What a watcher is told: the key, and its value; undefined when it is gone. */
export type StateListener = (key: string, value: unknown) => void;

/**
 * Small facts that all processes of a gateway share: cooldowns, affinities, how busy a deployment is. Never the truth
 * about money, and never needed to serve a call.
 *
 * Every read is answered from this process's copy, at once; every write shows at once here, and in other processes
 * shortly after. Of two writes to one key the later wins. When the store behind it is away, each process goes on alone.
 * Values are JSON; keys are made of a topic and a name: `cooldown/openai-eu`. There may be a most of what it keeps: what
 * was written longest ago goes first.
 */
export interface SharedState {
  /** The newest value, while it lives. */
  get(key: string): unknown;
  /** Keeps a value for so many milliseconds. */
  set(key: string, value: unknown, ttlMs: number): void;
  delete(key: string): void;
  /**
   * Adds to this process's part of a sum; less than nothing takes away. The part is forgotten after so many milliseconds
   * without an addition: what a process that died had added.
   */
  add(key: string, amount: number, ttlMs: number): void;
  /** The sum over all processes' parts; 0 when there is none. */
  sum(key: string): number;
  /** Tells about changes by other processes to keys that begin with the prefix, and at once about what is there. */
  watch(prefix: string, listener: StateListener): () => void;
  close?(): void | Promise<void>;
}
