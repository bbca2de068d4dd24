import { Breaker } from "./breaker.ts";
import type { RedisConnectionOptions } from "./connection-options.ts";
import type { Client } from "./create-client.ts";
import { CONNECT_TIMEOUT_MS, createClient } from "./create-client.ts";
import { describeFailure, isRefusal } from "./describe-failure.ts";
import type { Script } from "./script.ts";

const TIMEOUT_MS = 50;

/** Redis did not do what it was asked to, or it is not known whether it did. */
export class RedisFailure extends Error {
  override readonly name = "RedisFailure";
  /** When another try makes sense. */
  readonly retryAfterMs: number;

  constructor(why: string, retryAfterMs: number) {
    super(`Redis cannot be used: ${why}`);
    this.retryAfterMs = retryAfterMs;
  }
}

/** What a script is called with, and how long it may take. */
export interface Evaluation {
  /** The first one's hash tag names the slot. */
  readonly key: string;
  readonly args: readonly (string | number)[];
  /** Off the path of calls there is more time, and the breaker is not asked. */
  readonly backgroundMs?: number;
}

/** The connection to Redis of one process: every command has a time limit, and a breaker before it. */
export class Connection {
  readonly #options: RedisConnectionOptions;
  readonly #client: Client;
  readonly #breaker = new Breaker();
  readonly #timeoutMs: number;
  #failure: string | undefined;
  #closed = false;

  constructor(options: RedisConnectionOptions) {
    this.#options = options;
    this.#timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
    this.#client = createClient(options);
    this.#client.on("error", (error: unknown) => {
      this.#failure = describeFailure(error);
    });
    this.#client.on("ready", () => {
      this.#failure = undefined;
      this.#breaker.succeeded();
    });
  }

  /** Another connection, for subscriptions. */
  another(): Client {
    return createClient(this.#options);
  }

  /**
   * Connects; with `wait` for as long as it takes, unless Redis refuses this user, else once, within its time.
   * @throws {RedisFailure}
   */
  async open(wait: boolean): Promise<void> {
    // A cluster is connected before it is ready; and one that fails tries again by itself.
    const ready = new Promise<void>((resolve, reject) => {
      this.#client.once("ready", resolve);
      this.#client.once("end", () => reject(new Error("Connection is closed.")));
      this.#client.on("error", (error: unknown) => isRefusal(error) && reject(error));
    });
    const once = this.#client.connect().then(() => ready);
    // Whichever is not waited for has nothing more to tell.
    ready.catch(() => undefined);
    once.catch(() => undefined);
    try {
      if (wait) return await ready;
      await withTimeout(this.#options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS, once);
    } catch (error) {
      this.close();
      // The event that came before knows better than "connection is closed".
      throw new RedisFailure(this.#failure ?? describeFailure(error), 0);
    }
  }

  /**
   * Runs a script as one step, in one round trip; in two when Redis has not seen it since it was started.
   * @throws {RedisFailure}
   */
  evaluate(script: Script, { key, args, backgroundMs }: Evaluation): Promise<unknown> {
    return this.#guarded(backgroundMs, async () => {
      try {
        return await this.#client.evalsha(script.hash, 1, key, ...args);
      } catch (error) {
        if (!(error instanceof Error && error.message.startsWith("NOSCRIPT"))) throw error;
        return this.#client.eval(script.text, 1, key, ...args);
      }
    });
  }

  /**
   * Runs a command on the path of calls. An answer that says no is an answer: it opens no breaker.
   * @throws {RedisFailure}
   */
  run<T>(command: (client: Client) => Promise<T>): Promise<T> {
    return this.#guarded(undefined, () => command(this.#client));
  }

  /**
   * How many replicas have everything that was written on this connection; asked until there are enough, or time is over.
   * @throws {RedisFailure}
   */
  replicated(enough: number): Promise<number> {
    // it has to answer before its own time limit
    const waitMs = Math.max(1, Math.floor(this.#timeoutMs * 0.8));
    return this.run(async (client) => Number(await client.call("WAIT", enough, waitMs)));
  }

  /** Runs a command off the path of calls. */
  background<T>(timeoutMs: number, command: (client: Client) => Promise<T>): Promise<T> {
    return this.#guarded(timeoutMs, () => command(this.#client));
  }

  close(): void {
    this.#closed = true;
    this.#client.disconnect();
  }

  async #guarded<T>(backgroundMs: number | undefined, command: () => Promise<T>): Promise<T> {
    if (this.#closed) throw new RedisFailure("the gateway is closed", 0);
    const onPath = backgroundMs === undefined;
    if (onPath && !this.#breaker.enter()) {
      throw new RedisFailure(this.#failure ?? "it does not answer", Math.ceil(this.#breaker.waitMs));
    }
    try {
      const answer = await withTimeout(backgroundMs ?? this.#timeoutMs, command());
      if (onPath) this.#breaker.succeeded();
      return answer;
    } catch (error) {
      if (onPath && isAnswer(error)) this.#breaker.succeeded();
      else if (onPath) this.#breaker.failed();
      throw new RedisFailure(this.#failure ?? describeFailure(error), Math.max(1_000, Math.ceil(this.#breaker.waitMs)));
    }
  }
}

/** Whether Redis has answered, and only does not do this: its memory is full, say. */
function isAnswer(error: unknown): boolean {
  return error instanceof Error && /^(OOM|NOPERM|WRONGTYPE|ERR)\b/.test(error.message);
}

/** Rejects after a time. What comes later is let go: nobody waits for it any more. */
function withTimeout<T>(timeoutMs: number, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      // A process that was busy or stopped has its answer waiting in the socket: that is read before this runs.
      setImmediate(() => reject(Object.assign(new Error("timed out"), { code: "ETIMEDOUT" })));
    }, timeoutMs);
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
