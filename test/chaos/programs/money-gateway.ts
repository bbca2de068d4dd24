// A gateway with a hard budget for all calls together, whose ledger is a file: what it has spent outlives it.

import { listen } from "@signalbox/express/node";
import { createGateway, Secret } from "@signalbox/kernel";
import { budgets } from "@signalbox/plugin-budgets";
import { masterKey } from "@signalbox/plugin-config";
import { sqliteLedger } from "@signalbox/plugin-ledger-sqlite";
import { pricing } from "@signalbox/plugin-pricing";
import { openai, openaiDialects } from "@signalbox/provider-openai";
import { answer, ready } from "../../probe.ts";
import type { GatewayState } from "../gateway-program.ts";

const [upstream = "", key = "", file = "", limit = "0"] = process.argv.slice(2);

const gateway = await createGateway({
  plugins: [
    { name: "vendors", authenticator: masterKey(key), providers: [openai()], dialects: openaiDialects() },
    sqliteLedger({ file }),
    pricing({ prices: { paid: { input_cost_per_token: 0.000001, output_cost_per_token: 0.000002 } } }),
    budgets({ budgets: [{ scope: { kind: "gateway", id: "gateway" }, limit: BigInt(limit) }] }),
  ],
  deployments: [
    {
      id: "paid-1",
      model: "paid",
      provider: "openai",
      upstreamModel: "gpt-x",
      baseUrl: `${upstream}/v1`,
      apiKey: new Secret("sk-upstream"),
    },
  ],
});
const listener = await listen(gateway, { port: 0 });

answer("state", (): GatewayState => ({ activeCalls: gateway.activeCalls, heapBytes: process.memoryUsage().heapUsed }));
ready(Number(new URL(listener.url).port));
