// Signalbox with everything about money: keys, limits, a hard budget, prices, and a ledger.

import { listen } from "@signalbox/express/node";
import { createGateway, Secret } from "@signalbox/kernel";
import { budgets } from "@signalbox/plugin-budgets";
import { keys } from "@signalbox/plugin-keys";
import { limits } from "@signalbox/plugin-limits";
import { pricing } from "@signalbox/plugin-pricing";
import { openai, openaiDialects } from "@signalbox/provider-openai";
import { answer, ready } from "../../probe.ts";
import { ledgerPlugins } from "../ledger-plugins.ts";

const MASTER = "sk-bench-0123456789abcdefghijklmnopqrstuvwxyz";
/** So much that nothing is ever refused, and everything is counted. */
const KEY = {
  models: ["bench"],
  max_budget: 1_000_000,
  budget_duration: "30d",
  rpm_limit: 1_000_000_000,
  tpm_limit: 10_000_000_000,
  max_parallel_requests: 100_000,
};

const [upstream = "", ...store] = process.argv.slice(2);
const gateway = await createGateway({
  plugins: [
    { name: "bench", providers: [openai()], dialects: openaiDialects() },
    ...ledgerPlugins(store).plugins,
    keys({ masterKeys: [new Secret(MASTER)], pepper: new Secret("pepper-of-the-benchmark-0123456789-abc") }),
    pricing({ prices: { bench: { input_cost_per_token: 4e-7, output_cost_per_token: 1.6e-6 } } }),
    limits(),
    budgets(),
  ],
  deployments: [
    {
      id: "bench-1",
      model: "bench",
      provider: "openai",
      upstreamModel: "gpt-4.1-mini",
      baseUrl: `${upstream}/v1`,
      apiKey: new Secret("sk-upstream"),
    },
  ],
});
const { url } = await listen(gateway, { port: 0 });
const made = await fetch(`${url}/key/generate`, {
  method: "POST",
  headers: { authorization: `Bearer ${MASTER}`, "content-type": "application/json" },
  body: JSON.stringify(KEY),
});
if (!made.ok) throw new Error(`no key: ${await made.text()}`);
const { key } = (await made.json()) as { readonly key: string };
answer("key", () => key);
ready(Number(new URL(url).port));
