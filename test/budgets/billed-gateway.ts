import type { Listener } from "@signalbox/express/node";
import { listen } from "@signalbox/express/node";
import type { Authenticator, Deployment, Entry, Gateway, Plugin, Principal } from "@signalbox/kernel";
import { createGateway, GatewayError, Secret } from "@signalbox/kernel";
import { MemoryLedger } from "@signalbox/kernel/testkit";
import type { BudgetsOptions } from "@signalbox/plugin-budgets";
import { budgets } from "@signalbox/plugin-budgets";
import { pricing } from "@signalbox/plugin-pricing";
import { openai, openaiDialects } from "@signalbox/provider-openai";
import type { ChargingUpstream } from "./charging-upstream.ts";
import { openCharging } from "./charging-upstream.ts";

/** Keeps what it was told, and which reservations are open. */
export class WatchedLedger extends MemoryLedger {
  readonly entries: Entry[] = [];
  readonly open: Set<string> = new Set();
  readonly ends: Map<string, number> = new Map();
  readonly estimates: Map<string, bigint> = new Map();

  override async reserve(request: Parameters<MemoryLedger["reserve"]>[0]): ReturnType<MemoryLedger["reserve"]> {
    const answer = await super.reserve(request);
    if (answer.held) this.open.add(request.id);
    this.estimates.set(request.id, request.estimate);
    return answer;
  }

  override async settle(settlement: Parameters<MemoryLedger["settle"]>[0]): Promise<void> {
    this.#end(settlement.id);
    await super.settle(settlement);
  }

  override async void(id: string): Promise<void> {
    this.#end(id);
    await super.void(id);
  }

  override async append(entry: Entry): Promise<void> {
    this.entries.push(entry);
    await super.append(entry);
  }

  #end(id: string): void {
    this.open.delete(id);
    this.ends.set(id, (this.ends.get(id) ?? 0) + 1);
  }
}

export interface BilledGateway {
  readonly gateway: Gateway;
  readonly ledger: WatchedLedger;
  readonly upstream: ChargingUpstream;
  readonly url: string;
  /** A chat request over HTTP, by the caller of this name. */
  post(caller: string, body: Readonly<Record<string, unknown>>, signal?: AbortSignal): Promise<Response>;
  close(): Promise<void>;
}

export interface BilledOptions {
  readonly principals?: Readonly<Record<string, Partial<Principal>>>;
  readonly budgets?: BudgetsOptions;
  readonly plugins?: readonly Plugin[];
  readonly deployments?: (url: string) => readonly Deployment[];
}

/** Prices of the tests: a microdollar for a token of input, two for one of output. */
export const PRICES = { inputCostPerToken: 0.000001, outputCostPerToken: 0.000002, maxOutputTokens: 50 };

export function paid(id: string, url: string, more: Partial<Deployment> = {}): Deployment {
  return {
    id,
    model: "m",
    provider: "openai",
    upstreamModel: "m-1",
    baseUrl: `${url}/v1`,
    apiKey: new Secret("sk-upstream-0123456789"),
    info: PRICES,
    ...more,
  };
}

/** A gateway on a real port, whose upstream keeps a bill of its own. */
export async function billedGateway(options: BilledOptions = {}): Promise<BilledGateway> {
  const { principals = {}, plugins = [], deployments = (url) => [paid("d", url)] } = options;
  const upstream = await openCharging();
  const ledger = new WatchedLedger();
  const authenticator: Authenticator = {
    required: true,
    authenticate: ({ key }) => {
      const known = key === undefined ? undefined : principals[key];
      if (known === undefined) throw new GatewayError("invalid_api_key", "who are you");
      return { id: `id-${key}`, kind: "key", admin: false, models: ["*"], ...known };
    },
  };
  const gateway = await createGateway({
    plugins: [
      { name: "vendors", providers: [openai({})], dialects: openaiDialects(), authenticator, ledger },
      pricing(),
      ...plugins,
      budgets(options.budgets),
    ],
    deployments: deployments(upstream.url),
  });
  const listener: Listener = await listen(gateway, { port: 0, host: "127.0.0.1" });
  return {
    gateway,
    ledger,
    upstream,
    url: listener.url,
    post: (caller, body, signal) =>
      fetch(`${listener.url}/v1/chat/completions`, {
        method: "POST",
        headers: { "content-type": "application/json", authorization: `Bearer ${caller}` },
        body: JSON.stringify({ model: "m", messages: [{ role: "user", content: "hi" }], ...body }),
        ...(signal !== undefined && { signal }),
      }),
    async close() {
      await listener.close();
      await gateway.close();
      await upstream.close();
    },
  };
}
