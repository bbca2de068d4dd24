export type { MockServer, MockServerOptions, ReceivedRequest } from "./mock-server.ts";
export { mockServer } from "./mock-server.ts";
