export type { AccessOptions } from "./access-options.ts";
export { getCall, getPrincipal } from "./exchange.ts";
export type { ErrorReport, HandlerOptions } from "./handler-options.ts";
export type { RequestHandler } from "./request-handler.ts";
export { createHandler } from "./request-handler.ts";
export type { SignalboxOptions } from "./signalbox.ts";
export { signalbox } from "./signalbox.ts";
