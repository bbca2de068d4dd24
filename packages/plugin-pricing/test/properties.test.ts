import fc from "fast-check";
import { expect, it } from "vitest";
import type { ChatRequest, Deployment, Usage } from "@signalbox/kernel";
import { chatOf, deploymentOf, pricingAt } from "./priced.ts";

const MODELS: readonly Deployment[] = [
  deploymentOf("openai", "gpt-5"),
  deploymentOf("openai", "gpt-audio"),
  deploymentOf("anthropic", "claude-sonnet-4-5"),
  deploymentOf("google", "gemini-2.5-pro"),
  deploymentOf("google", "gemini-2.5-flash"),
  deploymentOf("xai", "grok-4.3"),
  deploymentOf("perplexity", "sonar"),
  deploymentOf("acme", "custom"),
];
const OPTIONS = {
  prices: {
    custom: {
      input_cost_per_token: "0.0000012345678",
      input_cost_per_token_above_200k_tokens: "0.000003",
      output_cost_per_token: 7.7e-6,
      output_cost_per_reasoning_token: 9e-6,
      cache_read_input_token_cost: 1e-7,
      cache_creation_input_token_cost: 1.5e-6,
    },
  },
  discounts: { anthropic: "12.5" },
  margins: { google: { percent: 3, fixed: "0.0001" } },
};

/** Any usage with at most so many tokens: parts are shares of what is left. */
function usageWithin(input: number, output: number, audio: boolean): fc.Arbitrary<Usage> {
  const share = fc.double({ min: 0, max: 1, noNaN: true });
  return fc
    .record({ input: fc.nat(input), output: fc.nat(output), shares: fc.array(share, { minLength: 7, maxLength: 7 }) })
    .map(({ input: inputTokens, output: outputTokens, shares }) => {
      let left = inputTokens;
      const take = (index: number): number => {
        const taken = Math.floor(left * (shares[index] as number));
        left -= taken;
        return taken;
      };
      const reasoningTokens = Math.floor(outputTokens * (shares[5] as number));
      return {
        inputTokens,
        outputTokens,
        cacheReadTokens: take(0),
        ...(audio && { inputAudioTokens: take(1), outputAudioTokens: outputTokens - reasoningTokens }),
        reasoningTokens,
      };
    });
}

it("lines add up to the cost, and every token is in exactly one of them", async () => {
  const prices = await pricingAt(OPTIONS);
  fc.assert(
    fc.property(
      fc.constantFrom(...MODELS),
      usageWithin(400_000, 50_000, true),
      fc.nat(1_000),
      (deployment, used, written) => {
        const usage: Usage = { ...used, inputTokens: used.inputTokens + written, cacheWriteTokens: written };
        const cost = prices.cost(chatOf(deployment), usage);
        if (cost === undefined) return;
        let pico = 0n;
        let tokens = 0;
        for (const { kind, units, picoUsdPerUnit } of cost.lines) {
          pico += BigInt(units) * picoUsdPerUnit;
          if (kind !== "request") tokens += units;
        }
        expect(cost.provider).toBe((pico + 999n) / 1_000n);
        expect(tokens).toBe(usage.inputTokens + usage.outputTokens);
        expect(cost.billed).toBe(cost.provider - (cost.discount ?? 0n) + (cost.margin ?? 0n));
      },
    ),
    { numRuns: 500 },
  );
});

it("a million calls of one token cost a million times the price of a token", async () => {
  const prices = await pricingAt({
    prices: { odd: { input_cost_per_token: "0.000000000375", output_cost_per_token: 0 } },
  });
  const nano = chatOf(deploymentOf("openai", "gpt-5-nano"));
  const odd = chatOf(deploymentOf("acme", "odd"));
  let sum = 0n;
  let rounded = 0n;
  for (let call = 0; call < 1_000_000; call++) {
    sum += prices.cost(nano, { inputTokens: 1, outputTokens: 0 })?.billed as bigint;
    rounded += prices.cost(odd, { inputTokens: 1, outputTokens: 0 })?.billed as bigint;
  }
  // 0.05 for a million tokens
  expect(sum).toBe(50_000_000n);
  // 0.375 nano-dollars, rounded up once in each call
  expect(rounded).toBe(1_000_000n);
  expect(prices.cost(odd, { inputTokens: 1_000_000, outputTokens: 0 })?.billed).toBe(375_000n);
});

it("no usage within the request's limits costs more than the bound", async () => {
  const prices = await pricingAt(OPTIONS);
  const texts = fc.array(fc.string({ unit: "binary", maxLength: 200 }), { maxLength: 4 });
  const requests = fc.record({
    texts,
    most: fc.integer({ min: 1, max: 5_000 }),
    choiceCount: fc.integer({ min: 1, max: 8 }),
    size: fc.constantFrom(1, 1_000, 3_000),
    cached: fc.constantFrom(undefined, {}, { ttl: "5m" as const }, { ttl: "1h" as const }),
    spoken: fc.boolean(),
  });
  fc.assert(
    fc.property(
      fc.constantFrom(...MODELS),
      requests,
      // often the whole of it: that is where a bound is tight
      fc.infiniteStream(fc.oneof(fc.double({ min: 0, max: 1, noNaN: true }), fc.constant(1))),
      (deployment, { texts: words, most, choiceCount, size, cached, spoken }, random) => {
        const request: Omit<ChatRequest, "model"> = {
          messages: words.map((text) => ({
            role: "user" as const,
            content: [
              { type: "text" as const, text: text.repeat(size), ...(cached !== undefined && { cacheControl: cached }) },
            ],
          })),
          maxOutputTokens: most,
          choiceCount,
          ...(spoken && { modalities: ["text", "audio"] }),
        };
        const work = chatOf(deployment, request);
        const bound = prices.bound(work);
        if (bound === undefined) {
          expect(spoken && deployment.upstreamModel === "gpt-5").toBe(true);
          return;
        }
        const part = (of: number): number => Math.floor(of * (random.next().value as number));
        const bytes = words.reduce((sum, text) => sum + Buffer.byteLength(text) * size, 0);
        const inputTokens = part(bytes);
        const write = cached === undefined ? 0 : part(inputTokens);
        const outputTokens = part(most * choiceCount);
        const usage: Usage = {
          inputTokens,
          outputTokens,
          cacheReadTokens: part(inputTokens - write),
          ...(cached?.ttl === "1h" ? { cacheWrite1hTokens: write } : { cacheWriteTokens: write }),
          ...(spoken ? { outputAudioTokens: part(outputTokens) } : { reasoningTokens: part(outputTokens) }),
        };
        const cost = prices.cost(work, usage);
        expect(cost).toBeDefined();
        expect(cost?.billed).toBeLessThanOrEqual(bound);
      },
    ),
    { numRuns: 1_000 },
  );
});
