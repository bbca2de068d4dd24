import { afterEach, expect, it } from "vitest";
import type { BudgetRule, LimitRule } from "@signalbox/kernel";
import { limits } from "@signalbox/plugin-limits";
import type { BilledGateway, BilledOptions } from "../budgets/billed-gateway.ts";
import { billedGateway, paid } from "../budgets/billed-gateway.ts";

const open: BilledGateway[] = [];

async function start(options: BilledOptions): Promise<BilledGateway> {
  const started = await billedGateway(options);
  open.push(started);
  return started;
}

afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
});

const key = { kind: "key", id: "id-ann" };
const rules: readonly LimitRule[] = [
  { scope: key, requestsPerMinute: 100, tokensPerMinute: 10_000 },
  { scope: { ...key, model: "acme/*" }, requestsPerMinute: 5 },
  { scope: { ...key, model: "acme/M.1" }, requestsPerMinute: 3, tokensPerMinute: 1_000 },
  { scope: { kind: "team", id: "t" }, requestsPerMinute: 2 },
];
const budgets: readonly BudgetRule[] = [
  { scope: key, limit: 5_000_000_000n },
  { scope: key, limit: 250_000_000n, duration: "1d" },
  { scope: { ...key, model: "acme/*" }, limit: 1_000_000n },
];
const principals = { ann: { teamId: "t", limits: rules, budgets } };
const deployments = (url: string) => [paid("d", url, { model: "acme/M.1" }), paid("e", url)];

const ofKey = (response: Response): Record<string, string> =>
  Object.fromEntries([...response.headers].filter(([name]) => name.startsWith("x-signalbox-key-")));

it("limits and budgets of the key that calls stand in the response, where that is wished", async () => {
  const { post } = await start({
    principals,
    deployments,
    plugins: [limits({ keyHeaders: true })],
    budgets: { keyHeaders: true },
  });
  const first = await post("ann", { model: "acme/M.1", max_tokens: 50 });
  expect(first.status).toBe(200);
  expect(ofKey(first)).toEqual({
    "x-signalbox-key-rpm-limit": "100",
    "x-signalbox-key-tpm-limit": "10000",
    "x-signalbox-key-remaining-requests-acme-m-1": "2",
    "x-signalbox-key-remaining-tokens-acme-m-1": expect.stringMatching(/^9[34]\d$/),
    "x-signalbox-key-max-budget": "0.25",
  });
  const other = await post("ann", { model: "m", max_tokens: 50 });
  expect(ofKey(other)).toEqual({
    "x-signalbox-key-rpm-limit": "100",
    "x-signalbox-key-tpm-limit": "10000",
    "x-signalbox-key-max-budget": "0.25",
  });
  // the team's limit refuses; the key's are told all the same, and nothing of them is used up
  const refused = await post("ann", { model: "acme/M.1", max_tokens: 50 });
  expect(refused.status).toBe(429);
  expect(ofKey(refused)["x-signalbox-key-remaining-requests-acme-m-1"]).toBe("2");
});

it("they do not otherwise", async () => {
  const { post } = await start({ principals, deployments, plugins: [limits()] });
  expect(ofKey(await post("ann", { max_tokens: 50 }))).toEqual({});
});
