// A gateway whose model `chat` has a deployment at every upstream that it is given; the last one speaks Anthropic's
// format, the others OpenAI's. With `continue` as third argument broken streams are continued.

import { listen } from "@signalbox/express/node";
import type { Deployment } from "@signalbox/kernel";
import { createGateway, Secret } from "@signalbox/kernel";
import { masterKey } from "@signalbox/plugin-config";
import { fallbacks } from "@signalbox/plugin-fallbacks";
import { routing } from "@signalbox/plugin-routing";
import { anthropic, anthropicDialects } from "@signalbox/provider-anthropic";
import { openai, openaiDialects } from "@signalbox/provider-openai";
import { answer, ready } from "../../probe.ts";
import type { GatewayState } from "../gateway-program.ts";

const [upstreams = "", key = "", continued = ""] = process.argv.slice(2);
const urls = upstreams.split(",");
const apiKey = new Secret("sk-upstream");

const gateway = await createGateway({
  plugins: [
    {
      name: "vendors",
      authenticator: masterKey(key),
      providers: [openai(), anthropic()],
      dialects: [...openaiDialects(), ...anthropicDialects()],
    },
    routing({}),
    fallbacks({ continueStreams: continued === "continue" }),
  ],
  deployments: urls.map((url, at): Deployment => {
    const anthropicFormat = at === urls.length - 1;
    return {
      id: `chat-${at}`,
      model: "chat",
      provider: anthropicFormat ? "anthropic" : "openai",
      upstreamModel: "chaos",
      baseUrl: anthropicFormat ? url : `${url}/v1`,
      region: at < urls.length / 2 ? "us" : "eu",
      apiKey,
      timeoutMs: 1_000,
      streamTimeoutMs: 1_000,
      idleTimeoutMs: 1_000,
    };
  }),
  timeoutMs: 10_000,
});
const listener = await listen(gateway, { port: 0 });

answer("state", (): GatewayState => ({ activeCalls: gateway.activeCalls, heapBytes: process.memoryUsage().heapUsed }));
ready(Number(new URL(listener.url).port));
