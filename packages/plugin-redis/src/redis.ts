import type { CounterRecovery, Health, Plugin } from "@signalbox/kernel";
import { ENTRY_STORE, GatewayError, isGatewayError } from "@signalbox/kernel";
import { checkOptions } from "./check-options.ts";
import { Connection, RedisFailure } from "./connection/connection.ts";
import { RedisLimits } from "./limits/redis-limits.ts";
import type { RedisOptions } from "./options.ts";
import { RedisReservations } from "./reservations/redis-reservations.ts";
import { RedisState } from "./state/redis-state.ts";

const NAMESPACE = "signalbox";
/** Within the second that readiness has. */
const CHECK_TIMEOUT_MS = 800;
const INFO_TIMEOUT_MS = 1_000;
const EVICTS = "it may throw out counters of budgets when its memory is full: set maxmemory-policy to noeviction";

const NOTHING: CounterRecovery = { held: [], unwritten: [], leaseMs: 0, first: true, async *written() {} };

/** What `redis` contributes. */
export interface RedisPlugin extends Plugin {
  readonly sharedState: RedisState;
  readonly limitStore: RedisLimits;
  readonly reservationStore: RedisReservations;
}

/**
 * Lets the processes of a gateway share their state, their limits and the counters of their budgets, in one Redis.
 * @throws {GatewayError} `option_invalid`
 */
export function redis(options: RedisOptions = {}): RedisPlugin {
  checkOptions(options);
  const namespace = options.namespace ?? NAMESPACE;
  const connection = new Connection(options);
  const waitForReplicas = options.waitForReplicas ?? 0;
  // who waits for replicas keeps its connection waiting
  const counters = waitForReplicas === 0 ? connection : new Connection(options);
  const sharedState = new RedisState(connection, namespace);
  const { settledForMs, rebuildAfterMs } = options;
  let evicts = false;
  const reservationStore = new RedisReservations(counters, {
    namespace,
    waitForReplicas,
    ...(settledForMs === undefined ? {} : { settledForMs }),
    ...(rebuildAfterMs === undefined ? {} : { rebuildAfterMs }),
  });
  return {
    name: "redis",
    sharedState,
    limitStore: new RedisLimits(connection, namespace),
    reservationStore,
    async setup() {
      for (const each of new Set([connection, counters])) await open(each, options.onUnreachable === "wait");
      evicts = await mayEvict(connection);
      sharedState.start();
    },
    async start(container) {
      if ((await reservationStore.generation()) !== undefined) return;
      const entries = container.isRegistered(ENTRY_STORE, true) ? container.resolve(ENTRY_STORE) : undefined;
      // With nothing on record there is nothing to rebuild. Otherwise the ledger sees to it, and until then they are closed.
      const spent = await entries?.spent({});
      if (spent === undefined || spent.entries === 0) await reservationStore.recover(NOTHING);
    },
    check: () => check(reservationStore, evicts),
    async close() {
      await sharedState.close();
      for (const each of new Set([connection, counters])) each.close();
    },
  };
}

async function open(connection: Connection, wait: boolean): Promise<void> {
  try {
    await connection.open(wait);
  } catch (error) {
    if (!(error instanceof RedisFailure)) throw error;
    throw new GatewayError("plugin_setup_failed", `redis: ${error.message}`, { source: "redis", cause: error });
  }
}

/** Whether Redis throws out keys when its memory is full. A server that does not tell is taken not to. */
async function mayEvict(connection: Connection): Promise<boolean> {
  try {
    const info = await connection.background(INFO_TIMEOUT_MS, (client) => client.info("memory"));
    return /^maxmemory:[1-9]/m.test(info) && !/^maxmemory_policy:noeviction/m.test(info);
  } catch (error) {
    if (error instanceof RedisFailure) return false;
    throw error;
  }
}

async function check(reservations: RedisReservations, evicts: boolean): Promise<Health> {
  try {
    if ((await reservations.generation(CHECK_TIMEOUT_MS)) !== undefined) {
      return { ok: true, detail: evicts ? `Redis answers; ${EVICTS}` : "Redis answers" };
    }
  } catch (error) {
    if (isGatewayError(error)) return { ok: false, detail: error.message };
    throw error;
  }
  return { ok: false, detail: "Redis has no counters of budgets: they are to be rebuilt from the ledger" };
}
