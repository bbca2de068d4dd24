import type { Listener } from "@signalbox/express/node";
import { listen } from "@signalbox/express/node";
import type { Gateway, Trace } from "@signalbox/kernel";
import { createGateway, Secret } from "@signalbox/kernel";
import type { Exchange, ReplayServer, SentRequest } from "@signalbox/kernel/testkit";
import { replayServer } from "@signalbox/kernel/testkit";
import { masterKey } from "@signalbox/plugin-config";
import type { FallbacksOptions } from "@signalbox/plugin-fallbacks";
import { fallbacks } from "@signalbox/plugin-fallbacks";
import { anthropic, anthropicDialects } from "@signalbox/provider-anthropic";
import { openai, openaiDialects } from "@signalbox/provider-openai";
import { hostProvider } from "@signalbox/provider-openai-compatible";
import type { Wire } from "./scripted-gateway.ts";
import { CLIENT_KEY, UPSTREAM_KEY } from "./scripted-gateway.ts";
import type { VendorAnswer } from "./strict-vendors.ts";
import { refusalOf, vendorReply } from "./strict-vendors.ts";

export type Vendor = "anthropic" | "openai" | "local";

const WIRE_OF: Readonly<Record<Vendor, Wire>> = { anthropic: "anthropic", openai: "openai", local: "openai" };

/** What a vendor does next: an answer, an exchange of the test's own, or nothing because it is down. */
export type Behaviour = VendorAnswer | { readonly exchange: Exchange } | "down";

/** One model, `claude`, at Anthropic, and behind it OpenAI and a local server, each at an address of its own. */
export interface OutageGateway {
  readonly url: string;
  readonly gateway: Gateway;
  /** Of the calls that have ended, oldest first. */
  readonly traces: readonly Trace[];
  /** From now on. */
  set(behaviour: Partial<Record<Vendor, Behaviour>>): void;
  /** Bodies of the requests that a vendor got, those that it refused included. */
  // biome-ignore lint/suspicious/noExplicitAny: JSON of many shapes, read by a test
  sent(vendor: Vendor): readonly any[];
  /** What vendors have refused, as they would have. */
  readonly refusals: readonly string[];
  close(): Promise<void>;
}

const DOWN: Exchange = {
  status: 529,
  body: { type: "error", error: { type: "overloaded_error", message: "Overloaded" } },
};

export async function outageGateway(options: FallbacksOptions = {}): Promise<OutageGateway> {
  const behaviours: Record<Vendor, Behaviour> = { anthropic: "down", openai: "down", local: "down" };
  const signatures = new Set<string>();
  const refusals: string[] = [];
  const traces: Trace[] = [];

  function answer(vendor: Vendor, request: SentRequest): Exchange {
    const behaviour = behaviours[vendor];
    if (behaviour === "down") return DOWN;
    const wire = WIRE_OF[vendor];
    const refusal = refusalOf(wire, request, signatures);
    if (refusal !== undefined) {
      refusals.push(`${vendor}: ${refusal}`);
      const error = { type: "invalid_request_error", message: refusal };
      return { status: 400, body: wire === "anthropic" ? { type: "error", error } : { error } };
    }
    const exchange =
      "exchange" in behaviour
        ? behaviour.exchange
        : vendorReply(wire, behaviour, JSON.parse(request.body).stream === true);
    if (vendor === "anthropic") {
      const written = exchange.bodyText ?? JSON.stringify(exchange.body);
      for (const [, signature] of written.matchAll(/"signature":"([^"]+)"/g)) signatures.add(signature as string);
    }
    return exchange;
  }

  const servers: Record<Vendor, ReplayServer> = {
    anthropic: await replayServer((request) => answer("anthropic", request)),
    openai: await replayServer((request) => answer("openai", request)),
    local: await replayServer((request) => answer("local", request)),
  };
  const apiKey = new Secret(UPSTREAM_KEY);
  const gateway = await createGateway({
    plugins: [
      {
        name: "vendors",
        providers: [anthropic({}), openai({}), hostProvider("ollama", { baseUrl: `${servers.local.url}/v1` })],
        dialects: [...openaiDialects(), ...anthropicDialects()],
        authenticator: masterKey(CLIENT_KEY),
        on: {
          callSucceeded: ({ trace }) => void traces.push(trace),
          callFailed: ({ trace }) => void traces.push(trace),
        },
      },
      fallbacks({ fallbacks: { claude: ["gpt", "llama"] }, retries: 0, ...options }),
    ],
    deployments: [
      {
        id: "a",
        model: "claude",
        provider: "anthropic",
        upstreamModel: "claude-sonnet-4-5",
        baseUrl: servers.anthropic.url,
        apiKey,
      },
      {
        id: "o",
        model: "gpt",
        provider: "openai",
        upstreamModel: "gpt-4.1",
        baseUrl: `${servers.openai.url}/v1`,
        apiKey,
        dropParams: true,
        streamTimeoutMs: 400,
        idleTimeoutMs: 400,
      },
      { id: "l", model: "llama", provider: "ollama", upstreamModel: "qwen3", dropParams: true },
    ],
  });
  const listener: Listener = await listen(gateway, { port: 0, host: "127.0.0.1" });
  return {
    url: listener.url,
    gateway,
    traces,
    set: (behaviour) => void Object.assign(behaviours, behaviour),
    sent: (vendor) => servers[vendor].sent.map(({ body }) => JSON.parse(body)),
    refusals,
    async close() {
      await listener.close();
      await gateway.close();
      for (const server of Object.values(servers)) await server.close();
    },
  };
}
