import type * as Http from "node:http";

/**
 * `node:http`, without what an import statement would load of it: that reads every export, and one of them, `WebSocket`, is
 * a second HTTP client, which costs each start some 45 ms and 13 MB.
 */
const http: typeof Http = process.getBuiltinModule("node:http");

export const createHttpServer: typeof Http.createServer = http.createServer;
export const STATUS_CODES: typeof Http.STATUS_CODES = http.STATUS_CODES;
