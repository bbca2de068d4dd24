import { afterEach, expect, it } from "vitest";
import type { CallInput, Gateway, Plugin, Provider } from "@signalbox/kernel";
import { createGateway, resultOf } from "@signalbox/kernel";
import { sayText, scripted } from "./support/scripted-provider.ts";

let gateway: Gateway | undefined;

afterEach(async () => {
  await gateway?.close();
});

const INPUT: CallInput<"chat"> = {
  operation: "chat",
  request: { model: "shop/m", messages: [{ role: "user", content: [{ type: "text", text: "hi" }] }] },
  options: { extensions: { cache: { ttl: 60 }, guardrails: ["g"], num_retries: 2 } },
};

async function gatewayOf(extensions: readonly string[], provider: Provider, ...more: Plugin[]): Promise<Gateway> {
  gateway = await createGateway({ plugins: [{ name: "shop", providers: [provider], extensions }, ...more] });
  return gateway;
}

it("reports the extensions that no plugin reads", async () => {
  const shop = scripted("shop", (attempt) => sayText(attempt, "hi"));
  const { call, reply } = (await gatewayOf(["cache"], shop, { name: "other", extensions: ["num_retries"] })).open(
    INPUT,
  );
  await resultOf(reply);
  expect(call.trace.droppedParams).toEqual(["guardrails"]);
  expect(shop.seen[0]?.options.extensions).toEqual({ cache: { ttl: 60 }, guardrails: ["g"], num_retries: 2 });
});

it("reports nothing when all of them are read, or none is there", async () => {
  const shop = scripted("shop", (attempt) => sayText(attempt, "hi"));
  const { open } = await gatewayOf(["cache", "guardrails", "num_retries"], shop);
  expect(open(INPUT).call.trace.droppedParams).toBeUndefined();
  expect(open({ ...INPUT, options: {} }).call.trace.droppedParams).toBeUndefined();
});

it("explains them with every attempt, beside what the attempt drops", async () => {
  const shop = scripted("shop", (attempt) => {
    attempt.trace.drop("seed");
    return sayText(attempt, "hi");
  });
  const plain = await gatewayOf(["cache"], shop);
  const { attempts } = await plain.explain({ ...INPUT, options: { ...INPUT.options, fallbacks: ["shop/n"] } });
  expect(attempts.map(({ model, droppedParams }) => [model, droppedParams])).toEqual([
    ["m", ["guardrails", "num_retries", "seed"]],
    ["n", ["guardrails", "num_retries", "seed"]],
  ]);
});
