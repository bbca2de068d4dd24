import type { Strategy } from "@signalbox/kernel";

/** As listed. `Deployment.order` comes before it, as under every strategy. */
export function priority(): Strategy {
  return { name: "priority", order: (_call, candidates) => candidates };
}
