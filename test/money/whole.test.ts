import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import OpenAI, { RateLimitError } from "openai";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ChargingUpstream } from "../budgets/charging-upstream.ts";
import { openCharging } from "../budgets/charging-upstream.ts";
import type { WholeGateway } from "./whole-gateway.ts";
import { wholeGateway } from "./whole-gateway.ts";

let folder: string;
let file: string;
let upstream: ChargingUpstream;
let running: WholeGateway;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "money-"));
  file = join(folder, "ledger.db");
  upstream = await openCharging();
  running = await wholeGateway(file, upstream.url);
});
afterAll(async () => {
  await running.close();
  await upstream.close();
  rmSync(folder, { recursive: true, force: true });
});

async function newKey(grant: Readonly<Record<string, unknown>>): Promise<string> {
  return String((await running.manage("/key/generate", grant)).key);
}

function clientOf(key: string): OpenAI {
  return new OpenAI({ baseURL: `${running.url}/v1`, apiKey: key, maxRetries: 0 });
}

async function ask(client: OpenAI, model = "paid"): Promise<"served" | { status: number | undefined; code: unknown }> {
  try {
    await client.chat.completions.create({
      model,
      max_tokens: 20,
      messages: [{ role: "user", content: "words=20" }],
    });
    return "served";
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(RateLimitError);
    const { status, code } = thrown as RateLimitError;
    return { status, code };
  }
}

/** What finance sees, in a SQL client beside the gateway. */
function spendLogs(): readonly { readonly api_key: string; readonly nano: bigint; readonly rows: bigint }[] {
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    const sql = "SELECT api_key, SUM(cost_nano) AS nano, COUNT(*) AS rows FROM spend_logs GROUP BY api_key";
    const statement = database.prepare(sql);
    statement.setReadBigInts(true);
    return statement.all() as never;
  } finally {
    database.close();
  }
}

describe("a key with a budget", () => {
  it("is never overspent, however many calls come at once, and a restart does not forget", async () => {
    const key = await newKey({ models: ["paid"], max_budget: 0.002, budget_duration: "30d" });
    const client = clientOf(key);
    const before = upstream.bill;
    const answers = await Promise.all(Array.from({ length: 300 }, () => ask(client)));
    const served = answers.filter((answer) => answer === "served").length;
    expect(served).toBeGreaterThan(10);
    expect(served).toBeLessThan(300);
    for (const answer of answers) {
      if (answer !== "served") expect(answer).toEqual({ status: 429, code: "budget_exceeded" });
    }
    const charged = upstream.bill - before;
    expect(charged).toBeLessThanOrEqual(2_000_000n);

    // one by one, until nothing more fits
    while ((await ask(client)) === "served");
    const spent = upstream.bill - before;
    expect(spent).toBeLessThanOrEqual(2_000_000n);
    await running.close();
    running = await wholeGateway(file, upstream.url);
    expect(await ask(clientOf(key))).toEqual({ status: 429, code: "budget_exceeded" });
    expect(upstream.bill - before).toBe(spent);

    const booked = spendLogs().reduce((sum, { nano }) => sum + nano, 0n);
    expect(booked).toBeGreaterThanOrEqual(upstream.bill);
    expect(booked).toBeLessThanOrEqual(2_000_000n);
  });

  it("goes on at the local model when its budget is spent and the chain says so", async () => {
    const client = clientOf(await newKey({ models: ["paid", "local"], max_budget: 0 }));
    const calls = upstream.calls;
    expect(await ask(client)).toBe("served");
    expect(upstream.calls).toBe(calls);
  });
});

describe("a key with a limit", () => {
  it("is told how much is left, and when to come again", async () => {
    const client = clientOf(await newKey({ models: ["local"], rpm_limit: 2 }));
    const first = await client.chat.completions
      .create({ model: "local", messages: [{ role: "user", content: "ping" }] })
      .withResponse();
    expect(first.response.headers.get("x-ratelimit-limit-requests")).toBe("2");
    expect(first.response.headers.get("x-ratelimit-remaining-requests")).toBe("1");
    expect(await ask(client, "local")).toBe("served");
    const refused = await client.chat.completions
      .create({ model: "local", messages: [{ role: "user", content: "ping" }] })
      .catch((thrown: unknown) => thrown);
    expect(refused).toBeInstanceOf(RateLimitError);
    expect(Number((refused as RateLimitError).headers?.get("retry-after"))).toBeGreaterThan(0);
  });
});

describe("a stream", () => {
  it("is booked at what the upstream charges", async () => {
    const client = clientOf(await newKey({ models: ["paid"], max_budget: 1 }));
    const before = { bill: upstream.bill, booked: spendLogs().reduce((sum, { nano }) => sum + nano, 0n) };
    const stream = await client.chat.completions.create({
      model: "paid",
      max_tokens: 20,
      stream: true,
      messages: [{ role: "user", content: "words=7" }],
    });
    let text = "";
    for await (const { choices } of stream) text += choices[0]?.delta.content ?? "";
    expect(text.trim().split(/\s+/)).toHaveLength(7);
    await new Promise((resolve) => setTimeout(resolve, 300));
    const booked = spendLogs().reduce((sum, { nano }) => sum + nano, 0n);
    expect(booked - before.booked).toBe(upstream.bill - before.bill);
  });
});
