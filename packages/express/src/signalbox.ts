import type { RequestHandler as ExpressHandler, Request } from "express";
import { Router } from "express";
import type { Gateway, Principal } from "@signalbox/kernel";
import type { HandlerOptions } from "./handler-options.ts";
import { createHandler } from "./request-handler.ts";

/** Options of the Express router. */
export interface SignalboxOptions extends Omit<HandlerOptions, "principal"> {
  /** As in `HandlerOptions`, with Express's request: what earlier middleware has found out is there. */
  readonly principal?: (request: Request) => Principal | Promise<Principal>;
}

/**
 * A router that serves every dialect and management route of a gateway under any path, before or after
 * `express.json()`. Paths it does not know are left to the application.
 *
 * ```ts
 * app.use("/llm", signalbox(gateway));
 * ```
 *
 * @throws {GatewayError} `option_invalid`
 */
export function signalbox(gateway: Gateway, options: SignalboxOptions = {}): Router {
  const handle = createHandler(gateway, options as HandlerOptions);
  const router = Router();
  router.use(function serveSignalbox(request, response, next) {
    handle(request, response, next);
  });
  // as long as the application has added nothing to the router, there is nothing to look up in it
  const entry = router as unknown as { handle: ExpressHandler };
  const throughLayers = entry.handle.bind(router);
  entry.handle = function serveAlone(request, response, next) {
    if (router.stack.length === 1) handle(request, response, next);
    else throughLayers(request, response, next);
  };
  return router;
}
