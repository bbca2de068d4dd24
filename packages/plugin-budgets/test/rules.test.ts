import { describe, expect, it } from "vitest";
import type { BudgetRule, Principal } from "@signalbox/kernel";
import { testAttempt } from "@signalbox/kernel/testkit";
import { attemptScopes } from "../src/rules/attempt-scopes.ts";
import { RuleBook } from "../src/rules/rule-book.ts";
import { caller, REQUEST } from "./support/test-gateway.ts";

function applying(
  rules: readonly BudgetRule[],
  principal: Partial<Principal> = {},
  options: { endUserId?: string; sessionId?: string; tags?: readonly string[] } = {},
): readonly string[] {
  const attempt = testAttempt({
    operation: "chat",
    request: REQUEST,
    principal: caller(principal),
    options,
    deployment: { id: "d", model: "openai/gpt", provider: "shop" },
  });
  return new RuleBook(rules)
    .applying(attempt as never, attemptScopes(attempt as never))
    .map(({ scope: { kind, id, model = "" }, limit }) => `${kind} ${id} ${model} ${limit}`.replace(/ +/g, " "));
}

const rule = (kind: string, id: string, limit: bigint, model?: string): BudgetRule => ({
  scope: { kind, id, ...(model !== undefined && { model }) },
  limit,
});

describe("which budgets count", () => {
  it("all of the caller, as far as the call is about them", () => {
    const budgets = [
      rule("key", "k-1", 1n),
      rule("team", "t", 2n),
      rule("customer", "c", 3n),
      rule("customer", "other", 4n),
      rule("tag", "blue", 5n),
      rule("tag", "red", 6n),
      rule("project", "p", 7n),
    ];
    expect(applying([], { budgets }, { endUserId: "c", tags: ["blue"] })).toEqual([
      "key k-1 1",
      "team t 2",
      "customer c 3",
      "tag blue 5",
      "project p 7",
    ]);
  });

  it("those of the gateway: whole, of providers, deployments, keys and models", () => {
    const rules = [
      rule("gateway", "gateway", 1n),
      rule("provider", "shop", 2n),
      rule("provider", "elsewhere", 3n),
      rule("deployment", "d", 4n),
      rule("key", "k-2", 5n),
      rule("gateway", "gateway", 6n, "openai/gpt"),
      rule("gateway", "gateway", 7n, "openai/*"),
      rule("gateway", "gateway", 8n, "anthropic/*"),
    ];
    expect(applying(rules)).toEqual([
      "gateway gateway 1",
      "provider shop 2",
      "deployment d 4",
      "gateway gateway openai/gpt 6",
      "gateway gateway openai/* 7",
    ]);
  });

  it("`*` gives each one its own, unless a rule names it", () => {
    const rules = [
      rule("customer", "*", 1n),
      rule("customer", "vip", 2n),
      rule("tag", "*", 3n),
      rule("session", "*", 4n),
    ];
    expect(applying(rules, {}, { endUserId: "c", tags: ["a", "b"], sessionId: "s" })).toEqual([
      "customer c 1",
      "tag a 3",
      "tag b 3",
      "session s 4",
    ]);
    expect(applying(rules, {}, { endUserId: "vip" })).toEqual(["customer vip 2"]);
    expect(applying(rules, { budgets: [rule("customer", "c", 9n)] }, { endUserId: "c" })).toEqual(["customer c 9"]);
  });

  it("a budget of a model does not stand in for one of all models", () => {
    const rules = [rule("customer", "*", 1n), rule("customer", "c", 2n, "openai/gpt")];
    expect(applying(rules, {}, { endUserId: "c" })).toEqual(["customer c openai/gpt 2", "customer c 1"]);
  });
});
