import type { Plugin } from "@signalbox/kernel";

export function slowCalls(options: { readonly thresholdMs: number }): Plugin {
  return {
    name: "slow-calls",
    on: {
      callSucceeded: (call) => {
        const tookMs = call.trace.elapsedMs();
        if (tookMs > options.thresholdMs) console.warn(`${call.id} took ${Math.round(tookMs)} ms`);
      },
    },
  };
}
