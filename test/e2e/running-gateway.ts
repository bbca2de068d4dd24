import type { Listener } from "@signalbox/express/node";
import { listen } from "@signalbox/express/node";
import type { Deployment, Gateway, Plugin } from "@signalbox/kernel";
import { createGateway, Secret } from "@signalbox/kernel";
import { masterKey } from "@signalbox/plugin-config";
import { anthropic, anthropicDialects } from "@signalbox/provider-anthropic";
import type { MockServer } from "@signalbox/provider-mock/server";
import { mockServer } from "@signalbox/provider-mock/server";
import { openai, openaiDialects } from "@signalbox/provider-openai";

/** The key clients use; no provider may ever see it. */
export const CLIENT_KEY = "sk-client-key-of-the-gateway-0001";
const UPSTREAM_KEY = "sk-upstream-key-of-the-vendor-0002";

/** A gateway in front of a mock upstream that speaks both vendors' wire formats over real HTTP. */
export interface RunningGateway {
  readonly gateway: Gateway;
  readonly url: string;
  readonly upstream: MockServer;
  close(): Promise<void>;
}

/** Models: `openai/<mock model>` through the OpenAI provider, `anthropic/<mock model>` through Anthropic's. */
export async function runningGateway(
  options: { readonly plugins?: readonly Plugin[]; readonly deployments?: readonly Deployment[] } = {},
): Promise<RunningGateway> {
  const upstream = mockServer({ apiKey: UPSTREAM_KEY });
  const { url: upstreamUrl } = await upstream.listen();
  const apiKey = new Secret(UPSTREAM_KEY);
  const gateway = await createGateway({
    plugins: [
      {
        name: "vendors",
        providers: [openai({}), anthropic({})],
        dialects: [...openaiDialects(), ...anthropicDialects()],
        authenticator: masterKey(CLIENT_KEY),
      },
      ...(options.plugins ?? []),
    ],
    deployments: [
      { id: "o", model: "openai/*", provider: "openai", upstreamModel: "*", baseUrl: `${upstreamUrl}/v1`, apiKey },
      { id: "a", model: "anthropic/*", provider: "anthropic", upstreamModel: "*", baseUrl: upstreamUrl, apiKey },
      ...(options.deployments ?? []),
    ],
  });
  const listener: Listener = await listen(gateway, { port: 0, host: "127.0.0.1" });
  return {
    gateway,
    url: listener.url,
    upstream,
    async close() {
      await listener.close();
      await gateway.close();
      await upstream.close();
    },
  };
}

/** The two wire formats upstream: every client is driven against both. */
export const UPSTREAMS = ["openai", "anthropic"] as const;

export const PIXEL =
  "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==";
