import type { Plugin } from "@signalbox/kernel";
import { DIRECTORY, ENTRY_STORE, GatewayError, LEDGER, MODEL_TABLE, PRICING } from "@signalbox/kernel";
import type { SpendOptions } from "./options.ts";
import { checkOptions } from "./options.ts";
import { spendRoutes } from "./routes/spend-routes.ts";
import type { Sources } from "./sources.ts";

/**
 * Reports about what calls have cost, over the entries that a ledger keeps: `/spend/*`, `/global/*` and the daily activity
 * of users, teams, organisations, customers and tags; as JSON and as CSV.
 *
 * @throws {GatewayError} `option_invalid`; at start `plugin_requirement_missing` without an entry store
 */
export function spend(options: SpendOptions = {}): Plugin {
  checkOptions(options);
  const { timezone = "UTC", budgets = [], now = Date.now } = options;
  let sources: Sources | undefined;
  return {
    name: "spend",
    routes: spendRoutes(() => sources),
    start(container) {
      if (!container.isRegistered(ENTRY_STORE, true)) {
        throw new GatewayError(
          "plugin_requirement_missing",
          'plugin "spend" reports what an entry store keeps; add a ledger plugin',
          { source: "spend" },
        );
      }
      sources = {
        entries: container.resolve(ENTRY_STORE),
        pricing: container.isRegistered(PRICING, true) ? container.resolve(PRICING) : undefined,
        ledger: container.isRegistered(LEDGER, true) ? container.resolve(LEDGER) : undefined,
        models: container.resolve(MODEL_TABLE),
        directory: () => (container.isRegistered(DIRECTORY, true) ? container.resolve(DIRECTORY) : undefined),
        timezone,
        budgets,
        now,
      };
    },
  };
}
