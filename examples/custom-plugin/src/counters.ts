import type { Plugin } from "@signalbox/kernel";
import { GatewayError } from "@signalbox/kernel";

export function counters(): Plugin {
  const counts = new Map<string, number>();
  return {
    name: "counters",
    on: { callStarted: ({ operation }) => void counts.set(operation, (counts.get(operation) ?? 0) + 1) },
    routes: [
      {
        kind: "resource",
        method: "GET",
        path: "/counters/:operation",
        access: "admin",
        handle({ params: { operation = "" } }) {
          const count = counts.get(operation);
          if (count === undefined) throw new GatewayError("not_found", `nothing was counted for "${operation}"`);
          return { status: 200, headers: { "content-type": "application/json" }, body: JSON.stringify({ count }) };
        },
      },
    ],
  };
}
