import type { Layer, Ordered, Stage } from "../layer.ts";
import type { Plugin } from "../plugin.ts";
import { cacheLayer } from "./cache-layer.ts";
import { guardrailLayer } from "./guardrail-layer.ts";

/** Guardrails and the cache compile to layers, in their plugins' places. */
export function contractLayers(
  plugins: readonly Plugin[],
  cache: Plugin["cache"],
): readonly { readonly stage: Stage; readonly plugin: string; readonly ordered: Ordered<Layer> }[] {
  const rows: { stage: Stage; plugin: string; ordered: Ordered<Layer> }[] = plugins.flatMap((plugin) =>
    (plugin.guardrails ?? []).map((guardrail) => ({
      stage: "guard" as const,
      plugin: plugin.name,
      ordered: guardrailLayer(guardrail),
    })),
  );
  const owner = plugins.find((plugin) => plugin.cache === cache) ?? plugins[0];
  if (cache !== undefined && owner !== undefined) {
    rows.push({ stage: "cache", plugin: owner.name, ordered: cacheLayer(cache) });
  }
  return rows;
}
