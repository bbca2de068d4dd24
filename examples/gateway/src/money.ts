import type { Plugin } from "@signalbox/kernel";
import { budgets } from "@signalbox/plugin-budgets";
import type { LoadedConfig } from "@signalbox/plugin-config";
import { limits } from "@signalbox/plugin-limits";
import { pricing } from "@signalbox/plugin-pricing";
import type { Stores } from "./stores.ts";

/** Reports about what is on record, where there is a record. */
export async function reportPlugins(config: LoadedConfig | undefined, { plugins }: Stores): Promise<readonly Plugin[]> {
  if (plugins.every(({ entryStore }) => entryStore === undefined)) return [];
  const { spend } = await import("@signalbox/plugin-spend");
  const { budgets: rules, timezone } = config?.budgets ?? {};
  return [spend({ ...(rules !== undefined && { budgets: rules }), ...(timezone !== undefined && { timezone }) })];
}

/** What calls cost, how much may be done, and how much may be spent: always on, since keys bring budgets and limits. */
export function moneyPlugins(config: LoadedConfig | undefined): readonly Plugin[] {
  return [pricing(config?.pricing), limits(config?.limits), budgets(config?.budgets)];
}
