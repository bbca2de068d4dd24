import type { Cache } from "../cache/cache.ts";
import { cacheLayer } from "../cache/cache-layer.ts";
import type { CacheSettings } from "../cache/cache-policy.ts";
import { chainedCache } from "../cache/chained-cache.ts";
import type { PendingWrites } from "../cache/pending-writes.ts";
import type { Layer, Ordered, Stage } from "../layer.ts";
import type { Plugin } from "../plugin.ts";
import { guardrailLayer } from "./guardrail-layer.ts";
import { wishesLayer } from "./guardrail-selection.ts";

/** Guardrails and caches compile to layers, in their plugins' places. All caches are one layer. */
export function contractLayers(
  plugins: readonly Plugin[],
  caches: ReadonlyMap<string, Cache>,
  settings: CacheSettings,
  writes: PendingWrites,
): readonly { readonly stage: Stage; readonly plugin: string; readonly ordered: Ordered<Layer> }[] {
  const rows: { stage: Stage; plugin: string; ordered: Ordered<Layer> }[] = plugins.flatMap((plugin) =>
    (plugin.guardrails ?? []).map((guardrail) => ({
      stage: "guard" as const,
      plugin: plugin.name,
      ordered: guardrailLayer(guardrail),
    })),
  );
  const guarding = plugins.find(({ guardrails = [] }) => guardrails.length > 0);
  // Where there are keys, and no guardrails, too: a key may need one. Calls are admitted meanwhile, as without guardrails.
  const checking = guarding ?? plugins.find(({ authenticator }) => authenticator !== undefined);
  const stage = guarding === undefined ? "admit" : "guard";
  if (checking !== undefined) rows.push({ stage, plugin: checking.name, ordered: wishesLayer(plugins) });
  const owner = plugins.find(({ name }) => caches.has(name)) ?? plugins[0];
  if (caches.size > 0 && owner !== undefined) {
    rows.push({
      stage: "cache",
      plugin: owner.name,
      ordered: cacheLayer(chainedCache([...caches.values()]), settings, writes),
    });
  }
  return rows;
}
