import type { Plugin } from "@signalbox/kernel";
import { LIMIT_STORE, MemoryLimits, SHARED_STATE } from "@signalbox/kernel";
import { ActiveShares } from "./active-shares.ts";
import { checkOptions } from "./check-options.ts";
import { GuardedStore } from "./guarded-store.ts";
import { limitLayer } from "./limit-layer.ts";
import type { LimitsOptions } from "./options.ts";
import { ProcessCount } from "./process-count.ts";
import { Renewals } from "./renewals.ts";
import { RuleBook } from "./rule-book.ts";

const DEFAULT_LEASE_MS = 60_000;

/**
 * Keeps calls within limits of requests, tokens and calls at the same time: of keys, users, teams, organizations, end
 * users, models and the gateway. Counts in the gateway's limit store, else in the memory of this process.
 *
 * ```ts
 * limits({ keys: { requestsPerMinute: 60, tokensPerMinute: 100_000 }, gateway: { parallel: 500 } });
 * ```
 *
 * @throws {GatewayError} `option_invalid` naming the option
 */
export function limits(options: LimitsOptions = {}): Plugin {
  checkOptions(options);
  const { onStoreFailure = "local", processes = 1, leaseMs = DEFAULT_LEASE_MS } = options;
  let others: ProcessCount | undefined;
  const guard = (store: NonNullable<LimitsOptions["store"]>): GuardedStore =>
    new GuardedStore({ store, onFailure: onStoreFailure, processes: () => others?.now ?? processes });
  let counting = guard(options.store ?? new MemoryLimits());
  const shares = new ActiveShares();
  const renewals = new Renewals(leaseMs, ({ id, taken }) => counting.renew(id, taken, leaseMs));
  const layer = limitLayer({
    rules: new RuleBook(options),
    store: () => counting,
    renewals,
    leaseMs,
    keyHeaders: options.keyHeaders ?? false,
    shares,
  });

  return {
    name: "limits",
    layers: { admit: { layer, events: "pass" } },
    start(container) {
      if (container.isRegistered(SHARED_STATE, true)) shares.join(container.resolve(SHARED_STATE));
      if (options.store === undefined && container.isRegistered(LIMIT_STORE, true)) {
        counting = guard(container.resolve(LIMIT_STORE));
        others = new ProcessCount(container.resolve(SHARED_STATE), processes);
      }
    },
    check: () => counting.check(),
    close() {
      renewals.close();
      shares.close();
      others?.close();
      others = undefined;
    },
  };
}
