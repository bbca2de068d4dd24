import type { Plugin } from "@signalbox/kernel";
import { budgets } from "@signalbox/plugin-budgets";
import type { LoadedConfig } from "@signalbox/plugin-config";
import { limits } from "@signalbox/plugin-limits";
import { pricing } from "@signalbox/plugin-pricing";

/** What calls cost, how much may be done, and how much may be spent: always on, since keys bring budgets and limits. */
export function moneyPlugins(config: LoadedConfig | undefined): readonly Plugin[] {
  return [pricing(config?.pricing), limits(config?.limits), budgets(config?.budgets)];
}
