import type { LimitAnswer, LimitCorrection, LimitState, LimitStore, LimitTake } from "@signalbox/kernel";
import { GatewayError } from "@signalbox/kernel";
import type { Connection } from "../connection/connection.ts";
import { RedisFailure } from "../connection/connection.ts";
import type { Script } from "../connection/script.ts";
import { RELEASE, RENEW, TAKE } from "./limit-scripts.ts";

/** Giving back and renewing do not keep a call waiting. */
const BACKGROUND_MS = 2_000;

/**
 * Limits that all processes share: one round trip per take, whatever the number of limits. A take that is not answered in
 * time throws `overloaded`; what it may have taken nonetheless comes back with time.
 */
export class RedisLimits implements LimitStore {
  readonly #connection: Connection;
  readonly #prefix: string;

  constructor(connection: Connection, namespace: string) {
    this.#connection = connection;
    this.#prefix = `{${namespace}:limits}:`;
  }

  async take(id: string, takes: readonly LimitTake[], leaseMs: number): Promise<LimitAnswer> {
    const args: (string | number)[] = [id, leaseMs];
    for (const { key, kind, limit, periodMs, cost } of takes) args.push(key, kind, limit, periodMs, cost);
    const answer = (await this.#run(TAKE, args)) as readonly number[];
    const [against = 0, retryAfterMs = -1, ...numbers] = answer;
    const states: LimitState[] = [];
    for (let at = 0; at < takes.length; at++) {
      states.push({ remaining: numbers[at * 2] as number, resetMs: numbers[at * 2 + 1] as number });
    }
    if (against === 0) return { allowed: true, states };
    const take = takes[against - 1] as LimitTake;
    return retryAfterMs < 0 ? { allowed: false, take, states } : { allowed: false, take, states, retryAfterMs };
  }

  async release(id: string, takes: readonly LimitTake[], corrections: readonly LimitCorrection[]): Promise<void> {
    const places = placesOf(takes);
    const args: (string | number)[] = [id, places.length, ...places];
    for (const { take, difference } of corrections) args.push(take.key, take.limit, take.periodMs, difference);
    await this.#run(RELEASE, args, BACKGROUND_MS);
  }

  async renew(id: string, takes: readonly LimitTake[], leaseMs: number): Promise<void> {
    await this.#run(RENEW, [id, leaseMs, ...placesOf(takes)], BACKGROUND_MS);
  }

  async #run(script: Script, args: readonly (string | number)[], backgroundMs?: number): Promise<unknown> {
    try {
      const evaluation = { key: this.#prefix, args };
      return await this.#connection.evaluate(
        script,
        backgroundMs === undefined ? evaluation : { ...evaluation, backgroundMs },
      );
    } catch (error) {
      if (!(error instanceof RedisFailure)) throw error;
      throw new GatewayError("overloaded", `limits cannot be counted: ${error.message}`, {
        source: "redis",
        retryAfterMs: error.retryAfterMs,
        cause: error,
      });
    }
  }
}

function placesOf(takes: readonly LimitTake[]): readonly string[] {
  return takes.filter(({ kind }) => kind === "parallel").map(({ key }) => key);
}
