import type { Cost, NanoUsd, PricedWork, Pricing, Usage } from "@signalbox/kernel";

/** What the models of the tests may say at most, where a request sets no limit. */
const MOST_OUTPUT = 100;

/**
 * One nano-dollar for a token of input and ten for one of output; models whose name begins with `free` cost nothing, and
 * those whose name begins with `odd` have no price. A prompt has as many tokens as its JSON has bytes, at most.
 * A search costs 500.
 */
export class TestPricing implements Pricing {
  bound({ deployment, request }: PricedWork): NanoUsd | undefined {
    const price = priceOf(deployment.upstreamModel);
    if (price === undefined) return undefined;
    const {
      messages,
      maxOutputTokens = MOST_OUTPUT,
      choiceCount = 1,
    } = request as {
      messages?: unknown;
      maxOutputTokens?: number;
      choiceCount?: number;
    };
    const input = Buffer.byteLength(JSON.stringify(messages ?? request));
    return price * BigInt(input + 10 * maxOutputTokens * choiceCount);
  }

  cost({ deployment, result }: PricedWork, usage: Usage): Cost | undefined {
    const price = priceOf(deployment.upstreamModel);
    if (price === undefined) return undefined;
    const { searchUnits = 0 } = (result ?? {}) as { searchUnits?: number };
    const provider = price * BigInt(usage.inputTokens + 10 * usage.outputTokens + 500 * searchUnits);
    return {
      provider,
      billed: provider,
      lines: [
        { kind: "input", units: usage.inputTokens, picoUsdPerUnit: price * 1_000n },
        { kind: "output", units: usage.outputTokens, picoUsdPerUnit: price * 10_000n },
      ],
      priceVersion: "test-1",
    };
  }

  perToken(): undefined {
    return undefined;
  }
}

function priceOf(model: string): bigint | undefined {
  if (model.startsWith("odd")) return undefined;
  return model.startsWith("free") ? 0n : 1n;
}
