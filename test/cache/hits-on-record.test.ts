import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { listen } from "@signalbox/express/node";
import type { Gateway } from "@signalbox/kernel";
import { createGateway, Secret } from "@signalbox/kernel";
import { budgets } from "@signalbox/plugin-budgets";
import { memoryCache } from "@signalbox/plugin-cache-memory";
import { keys } from "@signalbox/plugin-keys";
import { sqliteLedger } from "@signalbox/plugin-ledger-sqlite";
import { limits } from "@signalbox/plugin-limits";
import { pricing } from "@signalbox/plugin-pricing";
import { spend } from "@signalbox/plugin-spend";
import { openai, openaiDialects } from "@signalbox/provider-openai";
import type { ChargingUpstream } from "../budgets/charging-upstream.ts";
import { openCharging } from "../budgets/charging-upstream.ts";

const MASTER = "sk-master-key-of-the-gateway-0001";

let folder: string;
let file: string;
let url: string;
let gateway: Gateway;
let upstream: ChargingUpstream;
let close: () => Promise<void>;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "hits-"));
  file = join(folder, "ledger.db");
  upstream = await openCharging();
  gateway = await createGateway({
    plugins: [
      { name: "vendors", providers: [openai()], dialects: openaiDialects() },
      sqliteLedger({ file }),
      keys({ masterKeys: [new Secret(MASTER)], pepper: new Secret("pepper-of-the-tests-0123456789-abcdef") }),
      pricing({ prices: { paid: { input_cost_per_token: 0.000001, output_cost_per_token: 0.000002 } } }),
      limits({}),
      budgets({}),
      memoryCache(),
      spend({}),
    ],
    deployments: ["paid", "reported"].map((model) => ({
      id: `${model}-1`,
      model,
      provider: "openai",
      upstreamModel: "gpt-x",
      baseUrl: `${upstream.url}/v1`,
      apiKey: new Secret("sk-upstream"),
    })),
  });
  const listener = await listen(gateway, { port: 0 });
  url = listener.url;
  close = async () => {
    await listener.close();
    await gateway.close();
  };
});
afterAll(async () => {
  await close();
  await upstream.close();
  rmSync(folder, { recursive: true, force: true });
});

async function manage(path: string, body?: unknown): Promise<Readonly<Record<string, unknown>>> {
  const response = await fetch(url + path, {
    headers: { authorization: `Bearer ${MASTER}`, "content-type": "application/json" },
    ...(body !== undefined && { method: "POST", body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${path}: ${response.status} ${text}`);
  return JSON.parse(text) as Readonly<Record<string, unknown>>;
}

async function clientWith(grant: Readonly<Record<string, unknown>>): Promise<OpenAI> {
  const { key } = await manage("/key/generate", { models: ["paid", "reported"], ...grant });
  return new OpenAI({ baseURL: `${url}/v1`, apiKey: String(key), maxRetries: 0 });
}

const question = (content: string) => ({
  model: "paid",
  max_tokens: 20,
  messages: [{ role: "user" as const, content: `words=20 ${content}` }],
});

interface SpendRow {
  readonly request_id: string;
  readonly cache_hit: number | null;
  readonly cost_nano: number;
  readonly model: string;
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
}

/** What finance sees, in a SQL client beside the gateway. */
function rowsOf(callId: string | null): SpendRow[] {
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    const columns = database.prepare("SELECT * FROM spend_logs").all() as unknown as SpendRow[];
    return columns.filter(({ request_id }) => request_id.startsWith(String(callId)));
  } finally {
    database.close();
  }
}

describe("what a cache has answered", () => {
  it("is on record at no cost, streamed or not, with the usage of the answer, and no budget moves", async () => {
    const client = await clientWith({ max_budget: 0.002, budget_duration: "30d" });
    await client.chat.completions.create(question("a"));
    const bill = upstream.bill;
    const plain = await client.chat.completions.create(question("a")).withResponse();
    const streamed = await client.chat.completions.create({ ...question("a"), stream: true }).withResponse();
    for await (const _ of streamed.data);
    expect(upstream.bill).toBe(bill);
    for (const { response } of [plain, streamed]) {
      expect(response.headers.get("x-signalbox-cache")).toBe("hit");
      const id = response.headers.get("x-signalbox-call-id");
      await expect.poll(() => rowsOf(id)).toHaveLength(1);
      expect(rowsOf(id)[0]).toMatchObject({
        request_id: `${id}/0`,
        cache_hit: 1,
        cost_nano: 0,
        model: "paid",
        prompt_tokens: plain.data.usage?.prompt_tokens,
        completion_tokens: 20,
      });
      const logs = (await manage(`/spend/logs?request_id=${id}`)) as unknown as readonly object[];
      expect(logs).toMatchObject([{ cache_hit: true, spend: 0, custom_llm_provider: "openai", model_id: "paid-1" }]);
    }
    // far more than the budget would bear
    for (let at = 0; at < 100; at++) await client.chat.completions.create(question("a"));
    expect(upstream.bill).toBe(bill);
  });

  it("shared with another call is on record for each of them, and paid once", async () => {
    const client = await clientWith({});
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => client.chat.completions.create(question("wait=50 shared")).withResponse()),
    );
    const ids = answers.map(({ response }) => response.headers.get("x-signalbox-call-id"));
    await expect.poll(() => ids.flatMap(rowsOf)).toHaveLength(10);
    const rows = ids.flatMap(rowsOf);
    expect(rows.filter(({ cost_nano }) => cost_nano > 0)).toHaveLength(1);
    expect(rows.filter(({ cache_hit }) => cache_hit === 1)).toHaveLength(9);
  });

  it("gives the tokens of limits back", async () => {
    const client = await clientWith({ tpm_limit: 200 });
    await client.chat.completions.create(question("limit"));
    for (let at = 0; at < 50; at++) await client.chat.completions.create(question("limit"));
  });

  it("is counted by reports", async () => {
    const client = await clientWith({});
    const report = async () => await manage("/global/activity/cache_hits?model_group=reported");
    for (let at = 0; at < 3; at++) {
      await client.chat.completions.create({ ...question("report"), model: "reported" });
    }
    const sums = async () => {
      const { sum_cache_hits: hits, sum_cache_misses: misses } = await report();
      return [hits, misses];
    };
    await expect.poll(sums).toEqual([2, 1]);
  });
});
