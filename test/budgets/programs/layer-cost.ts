import type { Attempt, ChatResult, Reply } from "@signalbox/kernel";
import { createGateway, parseUsd } from "@signalbox/kernel";
import { MemoryLedger } from "@signalbox/kernel/testkit";
import { budgets } from "@signalbox/plugin-budgets";
import { pricing } from "@signalbox/plugin-pricing";
import { PRICES } from "../billed-gateway.ts";

// What the layer adds to a call, in microseconds: `node --conditions=@signalbox/source test/budgets/programs/layer-cost.ts`

const CALLS = 20_000;
const RESULT: ChatResult = {
  id: "r",
  model: "m-1",
  createdAt: 1,
  choices: [{ index: 0, content: [{ type: "text", text: "hi" }], finishReason: "stop" }],
  usage: { inputTokens: 30, outputTokens: 7 },
};

// biome-ignore lint/correctness/useYield: a reply without events is a reply
async function* answer(_attempt: Attempt<"chat">): Reply<"chat"> {
  return RESULT;
}

/** Takes everything at once and keeps nothing: what remains is the layer. */
class NoLedger extends MemoryLedger {
  override reserve(): Promise<{ held: true }> {
    return Promise.resolve({ held: true });
  }
  override settle(): Promise<void> {
    return Promise.resolve();
  }
  override append(): Promise<void> {
    return Promise.resolve();
  }
}

async function microseconds(plugins: Parameters<typeof createGateway>[0]["plugins"]): Promise<number> {
  const gateway = await createGateway({
    plugins: [{ name: "shop", providers: [{ name: "shop", operations: { chat: answer } }] }, ...plugins],
    deployments: [{ id: "d", model: "m", provider: "shop", upstreamModel: "m-1", info: PRICES }],
  });
  const input = { operation: "chat", request: { model: "m", messages: [] } } as const;
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 5; round++) {
    const startedAt = performance.now();
    for (let call = 0; call < CALLS; call++) await gateway.run(input);
    best = Math.min(best, performance.now() - startedAt);
  }
  await gateway.close();
  return (best / CALLS) * 1_000;
}

const hard = { scope: { kind: "gateway", id: "gateway" }, limit: parseUsd("1000000"), duration: "1mo" } as const;
const parts = { name: "money", ledger: new NoLedger() };
const none = await microseconds([]);
const bare = (await microseconds([budgets()])) - none;
const priced = (await microseconds([parts, pricing(), budgets()])) - none;
const budgeted = (await microseconds([parts, pricing(), budgets({ budgets: [hard] })])) - none;
console.log(`a call alone ${none.toFixed(1)} µs; the layer adds`);
console.log(`  no ledger, no prices, no budget: ${bare.toFixed(1)} µs (entries in memory included)`);
console.log(
  `  prices and a ledger that costs nothing: ${priced.toFixed(1)} µs; with a hard budget: ${budgeted.toFixed(1)} µs`,
);
