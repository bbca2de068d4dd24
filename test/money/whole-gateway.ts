import { listen } from "@signalbox/express/node";
import type { Gateway } from "@signalbox/kernel";
import { createGateway, Secret } from "@signalbox/kernel";
import type { BudgetsOptions } from "@signalbox/plugin-budgets";
import { budgets } from "@signalbox/plugin-budgets";
import { fallbacks } from "@signalbox/plugin-fallbacks";
import { keys } from "@signalbox/plugin-keys";
import type { SqliteLedgerPlugin } from "@signalbox/plugin-ledger-sqlite";
import { sqliteLedger } from "@signalbox/plugin-ledger-sqlite";
import { limits } from "@signalbox/plugin-limits";
import { pricing } from "@signalbox/plugin-pricing";
import { routing } from "@signalbox/plugin-routing";
import { mock } from "@signalbox/provider-mock";
import { openai, openaiDialects } from "@signalbox/provider-openai";

const MASTER = "sk-master-key-of-the-gateway-0001";

/** A gateway with everything about money in one SQLite file. */
export interface WholeGateway {
  readonly gateway: Gateway;
  readonly ledger: SqliteLedgerPlugin;
  readonly url: string;
  /** Asks the management API with the master key. */
  manage(path: string, body: unknown): Promise<Readonly<Record<string, unknown>>>;
  close(): Promise<void>;
}

/** `paid` is at the upstream, a microdollar a token of input and two of output; `local` costs nothing. */
export async function wholeGateway(
  file: string,
  upstream: string,
  spending: BudgetsOptions = {},
): Promise<WholeGateway> {
  const ledger = sqliteLedger({ file });
  const gateway = await createGateway({
    plugins: [
      { name: "vendors", providers: [openai(), mock()], dialects: openaiDialects() },
      ledger,
      keys({ masterKeys: [new Secret(MASTER)], pepper: new Secret("pepper-of-the-tests-0123456789-abcdef") }),
      pricing({ prices: { paid: { input_cost_per_token: 0.000001, output_cost_per_token: 0.000002 } } }),
      limits({}),
      budgets(spending),
      routing({}),
      fallbacks({ retries: 0, budgetFallbacks: { paid: ["local"] } }),
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
      { id: "local-1", model: "local", provider: "mock", upstreamModel: "echo" },
    ],
  });
  const listener = await listen(gateway, { port: 0 });
  return {
    gateway,
    ledger,
    url: listener.url,
    async manage(path, body) {
      const response = await fetch(listener.url + path, {
        method: "POST",
        headers: { authorization: `Bearer ${MASTER}`, "content-type": "application/json" },
        body: JSON.stringify(body),
      });
      const text = await response.text();
      if (!response.ok) throw new Error(`${path}: ${response.status} ${text}`);
      return JSON.parse(text) as Readonly<Record<string, unknown>>;
    },
    async close() {
      await listener.close();
      await gateway.close();
    },
  };
}
