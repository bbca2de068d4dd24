import { channel } from "node:diagnostics_channel";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parseUsd } from "@signalbox/kernel";
import type { BudgetEvent, BudgetsOptions } from "@signalbox/plugin-budgets";
import type { ChargingUpstream } from "../budgets/charging-upstream.ts";
import { openCharging } from "../budgets/charging-upstream.ts";
import type { WholeGateway } from "./whole-gateway.ts";
import { wholeGateway } from "./whole-gateway.ts";

const EVENTS = channel("signalbox:budget");
let folder: string;
let upstream: ChargingUpstream;
let running: WholeGateway | undefined;
const told: BudgetEvent[] = [];
const listen = (event: unknown): void => void told.push(event as BudgetEvent);

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "events-"));
  upstream = await openCharging();
  told.length = 0;
  EVENTS.subscribe(listen);
});
afterEach(async () => {
  EVENTS.unsubscribe(listen);
  await running?.close();
  await upstream.close();
  rmSync(folder, { recursive: true, force: true });
});

async function start(options: BudgetsOptions = {}): Promise<WholeGateway> {
  running = await wholeGateway(join(folder, "ledger.db"), upstream.url, options);
  return running;
}

async function key(gateway: WholeGateway, fields: Readonly<Record<string, unknown>> = {}): Promise<string> {
  return String((await gateway.manage("/key/generate", { models: ["paid", "local"], ...fields })).key);
}

/** Which deployment answered, or what it was refused with. A call of `paid` costs 49 µ$: 9 tokens in, 20 out. */
async function ask(
  gateway: WholeGateway,
  caller: string,
  body: Readonly<Record<string, unknown>> = { disable_fallbacks: true },
): Promise<string> {
  const response = await fetch(`${gateway.url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${caller}`, "content-type": "application/json" },
    body: JSON.stringify({
      model: "paid",
      max_tokens: 20,
      messages: [{ role: "user", content: "words=20" }],
      ...body,
    }),
  });
  const { error } = (await response.json()) as { error?: { code: string; details?: { scope?: string } } };
  if (error !== undefined) return `${error.code} ${error.details?.scope}`;
  return String(response.headers.get("x-signalbox-deployment"));
}

/** What was told, without the ids that this run made up. */
const events = (): readonly string[] =>
  told.map(({ scope, period, threshold, limit }) => `${scope.kind} ${period} ${threshold} of ${limit}`);

describe("events", () => {
  it("tell of a soft budget once, and nothing is refused", async () => {
    const gateway = await start();
    // reached by the third call
    const caller = await key(gateway, { soft_budget: 0.00012 });
    for (let call = 0; call < 5; call++) {
      expect(await ask(gateway, caller)).toBe("paid-1");
      await new Promise((resolve) => setTimeout(resolve, 400));
      expect(told.length).toBe(call < 2 ? 0 : 1);
    }
    expect(events()).toEqual(["key all soft of 120000"]);
    expect(told[0]?.spent).toBeGreaterThanOrEqual(120_000n);
    expect(told[0]?.spent).toBeLessThan(upstream.bill);
  });

  it("tell of the shares of a hard budget, each once, and of each window apart", async () => {
    const gateway = await start({ thresholds: [0.5, 0.8] });
    const caller = await key(gateway, {
      budget_limits: [
        { budget_duration: "1d", max_budget: 0.00025 },
        { budget_duration: "1mo", max_budget: 0.001 },
      ],
    });
    const answers: string[] = [];
    for (let call = 0; call < 6; call++) {
      answers.push(await ask(gateway, caller));
      await new Promise((resolve) => setTimeout(resolve, 400));
    }
    expect(answers.at(-1)).toBe("budget_exceeded key");
    const day = new Date().toISOString().slice(0, 10);
    // what is set aside for a call is more than it costs: of the day's 250 µ$ at least 60 % are used, never 80 % for sure
    expect(events()[0]).toBe(`key ${day} 0.5 of 250000`);
    expect(new Set(events()).size).toBe(events().length);
    expect(events().filter((event) => event.includes(" of 1000000"))).toEqual([]);
    expect(upstream.bill).toBeLessThanOrEqual(250_000n);
  });
});

describe("a budget of the gateway's own", () => {
  it("for each session ends that session", async () => {
    const gateway = await start({ budgets: [{ scope: { kind: "session", id: "*" }, limit: parseUsd("0.0002") }] });
    const caller = await key(gateway);
    const inSession = (id: string): Promise<string> =>
      ask(gateway, caller, { litellm_session_id: id, disable_fallbacks: true });
    expect(await inSession("one")).toBe("paid-1");
    expect(await inSession("one")).toBe("paid-1");
    expect(await inSession("one")).toBe("budget_exceeded session");
    expect(await inSession("two")).toBe("paid-1");
    expect(await ask(gateway, caller)).toBe("paid-1");
  });

  it("for a tag holds for what bears it", async () => {
    const gateway = await start({ budgets: [{ scope: { kind: "tag", id: "batch" }, limit: 0n }] });
    const caller = await key(gateway);
    expect(await ask(gateway, caller, { metadata: { tags: ["batch", "x"] }, disable_fallbacks: true })).toBe(
      "budget_exceeded tag",
    );
    expect(await ask(gateway, caller, { metadata: { tags: ["x"] }, disable_fallbacks: true })).toBe("paid-1");
  });

  it("for a provider leaves the others alone", async () => {
    const gateway = await start({
      budgets: [{ scope: { kind: "provider", id: "openai" }, limit: parseUsd("0.00015"), duration: "1d" }],
    });
    const [one, other] = [await key(gateway), await key(gateway)];
    expect(await ask(gateway, one)).toBe("paid-1");
    // whoever asks: the vendor's budget is spent
    expect(await ask(gateway, other)).toBe("budget_exceeded provider");
    expect(await ask(gateway, other, { model: "local" })).toBe("local-1");
    // and where the chain says so, the local model answers in its place
    expect(await ask(gateway, other, {})).toBe("local-1");
  });

  it("for a deployment too", async () => {
    const gateway = await start({ budgets: [{ scope: { kind: "deployment", id: "paid-1" }, limit: 0n }] });
    expect(await ask(gateway, await key(gateway))).toBe("budget_exceeded deployment");
  });
});

describe("over its budget", () => {
  it("a key goes on at the local model, on record at no cost, and comes back with a new limit", async () => {
    const gateway = await start();
    const caller = await key(gateway, { max_budget: 0.00025 });
    const served: string[] = [];
    for (let call = 0; call < 8; call++) served.push(await ask(gateway, caller, {}));
    const paid = served.filter((deployment) => deployment === "paid-1").length;
    expect(paid).toBeGreaterThan(1);
    expect(served).toEqual([...Array(paid).fill("paid-1"), ...Array(8 - paid).fill("local-1")]);
    expect(upstream.calls).toBe(paid);
    expect(upstream.bill).toBeLessThanOrEqual(250_000n);
    await gateway.manage("/key/update", { key: caller, max_budget: 1 });
    expect(await ask(gateway, caller, {})).toBe("paid-1");
  });
});
