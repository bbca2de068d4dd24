export type { Discovered, DiscoverOptions } from "./discover.ts";
export { discover } from "./discover.ts";
export type { Host, HostRow, Quirks } from "./host.ts";
export type { HostOptions } from "./host-provider.ts";
export { hostProvider } from "./host-provider.ts";
export type { Environment } from "./hosts.ts";
export { findHost, HOSTS, hostsWithKeys } from "./hosts.ts";
export type { OpenaiCompatibleOptions } from "./openai-compatible.ts";
export { openaiCompatible } from "./openai-compatible.ts";
