import type { Health, Plugin } from "@signalbox/kernel";
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
  const sharedState = new RedisState(connection, namespace);
  const { settledForMs } = options;
  const reservationStore = new RedisReservations(connection, {
    namespace,
    ...(settledForMs === undefined ? {} : { settledForMs }),
  });
  return {
    name: "redis",
    sharedState,
    limitStore: new RedisLimits(connection, namespace),
    reservationStore,
    async setup() {
      await open(connection, options.onUnreachable === "wait");
      sharedState.start();
    },
    async start(container) {
      if ((await reservationStore.generation()) !== undefined) return;
      const entries = container.isRegistered(ENTRY_STORE, true) ? container.resolve(ENTRY_STORE) : undefined;
      // With nothing on record there is nothing to rebuild. Otherwise the ledger has to, and until then it is closed.
      const spent = await entries?.spent({});
      if (spent === undefined || spent.entries === 0) await reservationStore.rebuild([]);
    },
    check: () => check(reservationStore),
    async close() {
      await sharedState.close();
      connection.close();
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

async function check(reservations: RedisReservations): Promise<Health> {
  try {
    if ((await reservations.generation(CHECK_TIMEOUT_MS)) !== undefined) return { ok: true, detail: "Redis answers" };
  } catch (error) {
    if (isGatewayError(error)) return { ok: false, detail: error.message };
    throw error;
  }
  return { ok: false, detail: "Redis has no counters of budgets: they are to be rebuilt from the ledger" };
}
