import type { Attempt, Call } from "../call.ts";
import type { AttemptLayer, Layer, LayerPlacement, Ordered, Stage } from "../layer.ts";
import { STAGES } from "../layer.ts";
import type { OperationName, Reply } from "../operation.ts";
import type { Plugin } from "../plugin.ts";
import { decodeReply } from "../reply.ts";
import { onceAdmitted } from "./call-admission.ts";

/** A layer in its place. */
export interface PlacedLayer<L = Layer | AttemptLayer> {
  readonly stage: Stage;
  readonly plugin: string;
  readonly name: string;
  readonly layer: L;
  readonly events: "read" | "pass";
}

type Answer<C extends Call> = (call: C) => Reply<OperationName>;

function placements<L extends Layer | AttemptLayer>(
  stage: Stage,
  contributions: readonly { readonly plugin: string; readonly ordered: Ordered<L> }[],
): readonly PlacedLayer<L>[] {
  const buckets: Record<"first" | "middle" | "last", PlacedLayer<L>[]> = { first: [], middle: [], last: [] };
  for (const { plugin, ordered } of contributions) {
    const placement: LayerPlacement<L> = typeof ordered === "function" ? { layer: ordered as L } : ordered;
    buckets[placement.order ?? "middle"].push({
      stage,
      plugin,
      name: placement.layer.name || stage,
      layer: placement.layer,
      events: placement.events ?? "read",
    });
  }
  return [...buckets.first, ...buckets.middle, ...buckets.last];
}

function asList<T>(value: T | readonly T[] | undefined): readonly T[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value as T];
}

/** All layers of all plugins, from the outside in. Order: list order, then `first` and `last` within a stage. */
export function placeLayers(
  plugins: readonly Plugin[],
  extra: readonly { readonly stage: Stage; readonly plugin: string; readonly ordered: Ordered<Layer> }[] = [],
): readonly PlacedLayer[] {
  return STAGES.flatMap((stage) => {
    const contributions: { plugin: string; ordered: Ordered<Layer | AttemptLayer> }[] = [];
    for (const plugin of plugins) {
      for (const ordered of asList<Ordered<Layer | AttemptLayer>>(plugin.layers?.[stage])) {
        contributions.push({ plugin: plugin.name, ordered });
      }
      for (const row of extra) if (row.stage === stage && row.plugin === plugin.name) contributions.push(row);
    }
    return placements(stage, contributions);
  });
}

/** Composes once, at start: a call then costs one function call per layer and no closure. */
function compose<C extends Call>(layers: readonly PlacedLayer[], innermost: Answer<C>): Answer<C> {
  return layers.reduceRight<Answer<C>>((inner, { layer, events }) => {
    const next: Answer<C> = events === "pass" ? inner : (call) => decodeReply(call, inner(call));
    const wrap = layer as unknown as (call: C, next: Answer<C>) => Reply<OperationName>;
    return (call) => wrap(call, next);
  }, innermost);
}

/** The outer stages around the router. */
export function composeCall(layers: readonly PlacedLayer[], router: Answer<Call>): Answer<Call> {
  const inner = compose(
    layers.filter(({ stage }) => stage === "guard" || stage === "cache"),
    router,
  );
  return compose(
    layers.filter(({ stage }) => stage === "edge" || stage === "admit"),
    inner === router ? router : onceAdmitted(inner),
  );
}

/** The stage `attempt` around the provider. */
export function composeAttempt(layers: readonly PlacedLayer[], provider: Answer<Attempt>): Answer<Attempt> {
  return compose(
    layers.filter(({ stage }) => stage === "attempt"),
    onceAdmitted(provider),
  );
}
