import { describe, expect, it } from "vitest";
import type { Deployment, Plugin, Pricing, Provider } from "@signalbox/kernel";
import { createGateway, PRICING, replyOf } from "@signalbox/kernel";
import { pricing } from "../src/index.ts";
import { chatOf, deploymentOf } from "./priced.ts";

const vendor: Provider = {
  name: "openai",
  operations: {
    embed: () =>
      replyOf<"embed">(() => ({ model: "m", embeddings: [[1]], usage: { inputTokens: 1, outputTokens: 0 } })),
  },
  facts: () => ({ maxOutputTokens: 1_000 }),
};
const DEPLOYMENT: Deployment = deploymentOf("openai", "gpt-4o");

async function resolved(...plugins: readonly Plugin[]): Promise<Pricing> {
  let found: Pricing | undefined;
  const reader: Plugin = {
    name: "reader",
    providers: [vendor],
    start: (container) => {
      found = container.resolve(PRICING);
    },
  };
  const gateway = await createGateway({ plugins: [...plugins, reader], deployments: [DEPLOYMENT] });
  await gateway.close();
  return found as Pricing;
}

describe("in a gateway", () => {
  it("is the contract's pricing, and knows what providers say of their models", async () => {
    const found = await resolved(pricing());
    // 80 bytes at 2.50, a thousand tokens at 10
    expect(found.bound(chatOf(DEPLOYMENT))).toBe(10_200_000n);
    expect(found.perToken(DEPLOYMENT)).toEqual({ input: 0.0000025, output: 0.00001 });
  });

  it("tells strategies what models cost", async () => {
    let seen: unknown;
    const strategy: Plugin = {
      name: "strategy",
      strategy: (_models, { facts }) => ({
        name: "first",
        order: (_call, candidates) => {
          seen = candidates.map(facts);
          return candidates;
        },
      }),
    };
    const gateway = await createGateway({
      plugins: [pricing(), { name: "vendors", providers: [vendor] }, strategy],
      deployments: [DEPLOYMENT, { ...DEPLOYMENT, id: "d-2", info: { inputCostPerToken: 1, outputCostPerToken: 2 } }],
    });
    await gateway.embed({ model: "public", input: "a" });
    await gateway.close();
    expect(seen).toEqual([
      { maxOutputTokens: 1_000, inputCostPerToken: 0.0000025, outputCostPerToken: 0.00001 },
      { maxOutputTokens: 1_000, inputCostPerToken: 1, outputCostPerToken: 2 },
    ]);
  });

  it("refuses a deployment whose own price is none", async () => {
    const options = {
      plugins: [pricing(), { name: "vendors", providers: [vendor] }],
      deployments: [deploymentOf("openai", "m", { id: "bad", info: { input_cost_per_tokens: 1 } })],
    };
    await expect(createGateway(options)).rejects.toMatchObject({
      code: "deployment_invalid",
      message: expect.stringContaining('deployment "bad": there is no price field "input_cost_per_tokens"'),
    });
  });

  it("starts within a part of the start limit", async () => {
    const startedAt = performance.now();
    await resolved(pricing());
    expect(performance.now() - startedAt).toBeLessThan(400);
  });
});
