import type { Call, Plugin, Health as Readiness } from "@signalbox/kernel";
import type { Health } from "./health/health.ts";
import { createHealth } from "./health/health.ts";
import { healthRoutes } from "./health/health-routes.ts";
import { hedgePolicy } from "./hedge/hedge-policy.ts";
import type { FallbacksOptions } from "./options.ts";
import { routerSettings } from "./options.ts";
import { fallbackRouter } from "./router/fallback-router.ts";
import { continueStreams } from "./streams/continue-stream.ts";

/**
 * Keeps a gateway answering when providers fail: goes on to other deployments and models, retries within a budget,
 * leaves out what is broken, and shows at `/health` why.
 *
 * ```ts
 * fallbacks({ fallbacks: { claude: ["gpt", "local"] }, rateLimitFallbacks: { claude: ["claude-eu"] } });
 * ```
 *
 * @throws {GatewayError} `option_invalid` naming the option; `fallback_unknown` when the gateway starts
 */
export function fallbacks(options: FallbacksOptions = {}): Plugin {
  const settings = routerSettings(options);
  let health: Health | undefined;
  /** Whether all that can go on with a call's answer do so from an assistant message at the end of the request. */
  let supportsPrefill: (call: Call) => boolean = () => false;

  return {
    name: "fallbacks",
    extensions: ["num_retries"],
    router(models, parts) {
      const running = createHealth(options, models, parts);
      try {
        const router = fallbackRouter(models, {
          strategy: parts.strategy,
          fallbacks: parts.fallbacks,
          ...(parts.otherNames !== undefined && { otherNames: parts.otherNames }),
          ...(parts.modelFor !== undefined && { modelFor: parts.modelFor }),
          settings,
          board: running.board,
          ...(options.hedge !== undefined && { hedge: hedgePolicy(options.hedge) }),
        });
        health = running;
        supportsPrefill = (call) => {
          const left = router.remaining(call);
          return left.length > 0 && left.every((deployment) => parts.facts(deployment).supportsAssistantPrefill);
        };
        return router;
      } catch (thrown) {
        running.close();
        throw thrown;
      }
    },
    ...(options.continueStreams === true && {
      layers: { cache: continueStreams({ supportsPrefill: (call) => supportsPrefill(call as unknown as Call) }) },
    }),
    routes: healthRoutes(() => health),
    check: () => readiness(health),
    close() {
      health?.close();
      health = undefined;
    },
  };
}

/** Providers that are down are no reason to take a gateway out of service: it knows the way around them. */
function readiness(health: Health | undefined): Readiness {
  const healthy = new Map<string, boolean>();
  for (const { model, state } of health?.board.states() ?? []) {
    healthy.set(model, healthy.get(model) === true || state === "healthy");
  }
  const broken = [...healthy.values()].filter((ok) => !ok).length;
  if (broken === 0) return { ok: true };
  // public: which models there are is for administrators to see
  return { ok: true, detail: `${broken} of ${healthy.size} models have no healthy deployment; see /health` };
}
