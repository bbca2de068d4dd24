// Signalbox on node:http, with a guardrail of replies or without.
import { listen } from "@signalbox/express/node";
import { createGateway, Secret } from "@signalbox/kernel";
import { masterKey } from "@signalbox/plugin-config";
import { guardrails } from "@signalbox/plugin-guardrails";
import { openai, openaiDialects } from "@signalbox/provider-openai";
import { ready } from "../../probe.ts";

const [upstream = "", kind = "", key = ""] = process.argv.slice(2);
const masking = { type: "personal", name: "pii", action: "mask", mode: "after" } as const;
// One that looks at every delta and holds nothing back: what all windows cost.
const bare = { name: "bare", checkWindow: (_call: unknown, { text }: { readonly text: string }) => released(text) };

function released(text: string): { readonly action: "release"; readonly consume: number } {
  return { action: "release", consume: text.length };
}

const gateway = await createGateway({
  plugins: [
    { name: "bench", authenticator: masterKey(key), providers: [openai()], dialects: openaiDialects() },
    ...(kind === "masking" ? [await guardrails([masking])] : []),
    ...(kind === "bare" ? [{ name: "bare", guardrails: [bare] }] : []),
  ],
  deployments: [
    {
      id: "bench-1",
      model: "bench",
      provider: "openai",
      upstreamModel: "gpt-4.1-mini",
      apiKey: new Secret("sk-upstream"),
      baseUrl: `${upstream}/v1`,
    },
  ],
});
const { url } = await listen(gateway, { port: 0 });
ready(Number(new URL(url).port));
