export type { Delivery, Exchange, Fault } from "./exchange.ts";
export { cutBody, exchangeBody } from "./exchange.ts";
export type { ReplayHandler, ReplayServer, ReplayServerOptions, SentRequest } from "./replay-server.ts";
export { refusedUrl, replayServer } from "./replay-server.ts";
