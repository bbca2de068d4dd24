// A gateway on node:http with a master key, for scenarios: `native` is answered in the client's own dialect,
// `translated` from another vendor's.

import { listen } from "@signalbox/express/node";
import { createGateway, Secret } from "@signalbox/kernel";
import { masterKey } from "@signalbox/plugin-config";
import { anthropic, anthropicDialects } from "@signalbox/provider-anthropic";
import { openai, openaiDialects } from "@signalbox/provider-openai";
import { answer, ready } from "../../probe.ts";
import type { GatewayState } from "../gateway-program.ts";

const [upstream = "", key = ""] = process.argv.slice(2);
const apiKey = new Secret("sk-upstream");

const gateway = await createGateway({
  plugins: [
    {
      name: "vendors",
      authenticator: masterKey(key),
      providers: [openai(), anthropic()],
      dialects: [...openaiDialects(), ...anthropicDialects()],
    },
  ],
  deployments: [
    { id: "native-1", model: "native", provider: "openai", upstreamModel: "chaos", baseUrl: `${upstream}/v1`, apiKey },
    {
      id: "translated-1",
      model: "translated",
      provider: "anthropic",
      upstreamModel: "chaos",
      baseUrl: upstream,
      apiKey,
    },
  ],
});
const listener = await listen(gateway, { port: 0 });

answer("state", async (): Promise<GatewayState> => {
  // a second collection takes what the first one's finalizers have let go
  for (let pass = 0; pass < 3; pass++) {
    globalThis.gc?.();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return { activeCalls: gateway.activeCalls, heapBytes: process.memoryUsage().heapUsed };
});
ready(Number(new URL(listener.url).port));
