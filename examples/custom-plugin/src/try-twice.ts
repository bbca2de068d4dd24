import type { Deployment, GatewayError, Plugin } from "@signalbox/kernel";
import { listedRouter } from "@signalbox/kernel";

export function tryTwice(): Plugin {
  return {
    name: "try-twice",
    router(models, { strategy, fallbacks }) {
      const once = listedRouter(models, { strategy, fallbacks });
      return {
        *route(call): Generator<Deployment | Promise<Deployment>, void, GatewayError | undefined> {
          for (const next of once.route(call)) {
            const error = yield next;
            if (error?.code !== "provider_overloaded") continue;
            call.trace.note("route", "overloaded: once more");
            yield next;
          }
        },
      };
    },
  };
}
