import { channel } from "node:diagnostics_channel";
import type { Call } from "../call.ts";
import { GatewayError, toGatewayError } from "../errors.ts";
import type { IdSource } from "../ids.ts";
import type { OperationName, Reply, ResultOf } from "../operation.ts";
import { resultOf } from "../reply.ts";
import { Trace } from "../trace.ts";
import type { CacheClaim } from "./cache.ts";

const failures = channel("signalbox:cache-error");

const LONGEST_MS = 120_000;
const MOST = 100;

interface RefreshParts<Name extends OperationName> {
  /** Of processes that share a cache, one asks. */
  claim(call: Call<Name>): Promise<CacheClaim | undefined>;
  /** Another one has been here meanwhile. */
  isFresh(call: Call<Name>): Promise<boolean>;
  keep(result: ResultOf<Name>, anew: Call<Name>): Promise<void>;
}

/** Stale answers that are asked for anew, beside the calls that they were served to: one at a time for each. */
export class Refreshes {
  readonly #ids: IdSource;
  readonly #running = new Set<string>();

  constructor(ids: IdSource) {
    this.#ids = ids;
  }

  /** Passes the stages behind the cache as a call of its own: it is paid for, and goes on when the caller leaves. */
  begin<Name extends OperationName>(
    key: string,
    call: Call<Name>,
    next: (call: Call<Name>) => Reply<Name>,
    parts: RefreshParts<Name>,
  ): void {
    if (this.#running.has(key) || this.#running.size >= MOST) return;
    this.#running.add(key);
    setImmediate(() => void this.#run(key, call, next, parts));
  }

  async #run<Name extends OperationName>(
    key: string,
    call: Call<Name>,
    next: (call: Call<Name>) => Reply<Name>,
    { claim, isFresh, keep }: RefreshParts<Name>,
  ): Promise<void> {
    const controller = new AbortController();
    const timer = setTimeout(() => {
      controller.abort(new GatewayError("timeout", `refreshing the cache took longer than ${LONGEST_MS / 1_000} s`));
    }, LONGEST_MS).unref();
    let claimed: CacheClaim | undefined;
    try {
      claimed = await claim(call);
      if (claimed?.mine === false || (claimed !== undefined && (await isFresh(call)))) return;
      const trace = new Trace();
      trace.note("cache", `refreshes what call ${call.id} was served`);
      const anew: Call<Name> = {
        ...call,
        id: this.#ids.next(),
        signal: controller.signal,
        deadline: trace.startedAt + LONGEST_MS,
        state: new Map(call.state),
        trace,
      };
      await keep(await resultOf(next(anew)), anew);
    } catch (error) {
      failures.publish({ operation: "refresh", error: toGatewayError(error) });
    } finally {
      clearTimeout(timer);
      if (claimed?.mine === true) {
        claimed.release().catch((error: unknown) => failures.publish({ operation: "claim", error }));
      }
      this.#running.delete(key);
    }
  }
}
