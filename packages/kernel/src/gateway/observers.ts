import { channel } from "node:diagnostics_channel";
import type { Moments } from "../moments.ts";
import { MOMENTS } from "../moments.ts";
import type { Plugin } from "../plugin.ts";

const observerErrors = channel("signalbox:observer-error");

/**
 * All plugins' observers as one. An observer that throws is reported once per plugin and moment; the call goes on.
 * A moment nobody watches stays undefined, so that it costs nothing.
 */
export function combineObservers(plugins: readonly Plugin[]): Moments {
  const combined: Record<string, (...facts: unknown[]) => void> = {};
  for (const moment of MOMENTS) {
    const watchers = plugins.flatMap((plugin) => {
      const watch = plugin.on?.[moment] as ((...facts: unknown[]) => void) | undefined;
      return watch === undefined ? [] : [{ plugin: plugin.name, watch: watch.bind(plugin.on), reported: false }];
    });
    if (watchers.length === 0) continue;
    combined[moment] = (...facts) => {
      for (const watcher of watchers) {
        try {
          watcher.watch(...facts);
        } catch (error) {
          if (watcher.reported) continue;
          watcher.reported = true;
          observerErrors.publish({ plugin: watcher.plugin, moment, error });
        }
      }
    };
  }
  return combined as Moments;
}
