import type { GatewayError, ListedModel, Transport } from "@signalbox/kernel";
import { toGatewayError } from "@signalbox/kernel";
import { hostBaseUrl } from "./base-url.ts";
import type { Host } from "./host.ts";
import { hostProvider } from "./host-provider.ts";
import type { Environment } from "./hosts.ts";
import { HOSTS } from "./hosts.ts";

/** Whom `discover` asks, and how long it waits. */
export interface DiscoverOptions {
  readonly transport: Transport;
  /** Hosts to ask. Default: all that need no API key and whose address is known. */
  readonly hosts?: readonly Host[];
  readonly env?: Environment;
  /** For each server. Default 1000. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** What one server answered: its models, or why there are none. */
export interface Discovered {
  readonly host: Host;
  readonly baseUrl: string;
  readonly models: readonly ListedModel[];
  readonly error?: GatewayError;
}

/**
 * Asks local servers which models they have. Several kinds of server share a port: one address is asked once, under
 * the first host of the table that has it, `HOSTS` being ordered by id.
 */
export async function discover(options: DiscoverOptions): Promise<readonly Discovered[]> {
  const { transport, env = {}, timeoutMs = 1000 } = options;
  const limited: Transport = {
    send: (request) => transport.send({ ...request, timeoutMs }),
    open: (request) => transport.open({ ...request, timeoutMs }),
  };
  const signal = options.signal ?? new AbortController().signal;
  const asked = new Map<string, Host>();
  for (const host of options.hosts ?? HOSTS.filter(({ keyOptional }) => keyOptional === true)) {
    const baseUrl = hostBaseUrl(host, env);
    if (typeof baseUrl === "string" && !asked.has(baseUrl)) asked.set(baseUrl, host);
  }
  return Promise.all([...asked].map(([baseUrl, host]) => ask(host, baseUrl)));

  async function ask(host: Host, baseUrl: string): Promise<Discovered> {
    const deployment = { id: host.id, model: `${host.id}/*`, provider: host.id, upstreamModel: "*", baseUrl };
    const provider = hostProvider(host.id, { env });
    try {
      return { host, baseUrl, models: (await provider.listModels?.({ deployment, transport: limited, signal })) ?? [] };
    } catch (thrown) {
      return { host, baseUrl, models: [], error: toGatewayError(thrown, host.id) };
    }
  }
}
