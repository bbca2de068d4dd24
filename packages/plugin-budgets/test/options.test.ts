import { expect, it } from "vitest";
import { budgets } from "@signalbox/plugin-budgets";

const scope = { kind: "gateway", id: "gateway" };

it.each([
  [{ budget: [] }, 'there is no option "budget". Did you mean "budgets"?', "budget"],
  [
    { budgets: [{ scope, limit: 1n, durations: "1d" }] },
    'there is no option "budgets.0.durations". Did you mean "duration"?',
    "budgets.0.durations",
  ],
  [{ budgets: [{ scope, limit: -1n }] }, '"budgets.0.limit"', "budgets.0.limit"],
  [{ budgets: [{ scope, limit: 1 }] }, '"budgets.0.limit"', "budgets.0.limit"],
  [{ budgets: [{ scope, limit: 1n, duration: "monthly" }] }, "expected a duration", "budgets.0.duration"],
  [{ budgets: [{ scope, limit: 1n, timezone: "Mars" }] }, "expected an IANA time zone", "budgets.0.timezone"],
  [
    { budgets: [{ scope: { kind: "gateway", id: "g" }, limit: 1n }] },
    'the gateway\'s id is "gateway"',
    "budgets.0.scope.id",
  ],
  [{ timezone: "Nowhere/Town" }, "expected an IANA time zone", "timezone"],
  [{ thresholds: [80] }, '"thresholds.0"', "thresholds.0"],
  [{ unseenTokens: -1 }, '"unseenTokens"', "unseenTokens"],
  [{ defaultMaxOutputTokens: 0 }, '"defaultMaxOutputTokens"', "defaultMaxOutputTokens"],
  [{ clampOutputTokens: "yes" }, '"clampOutputTokens"', "clampOutputTokens"],
  [{ fitOutputTokens: "team" }, "must be a boolean or a function", "fitOutputTokens"],
])("refuses %o", (options, message, param) => {
  let thrown: unknown;
  try {
    budgets(options as never);
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toMatchObject({ code: "option_invalid", param, source: "budgets" });
  expect((thrown as Error).message).toContain(message);
});

it("takes every option there is", () => {
  const increase = { by: 5n, until: 0 };
  const rule = { scope, limit: 0n, duration: "1mo", timezone: "Africa/Johannesburg", soft: 3n, increase };
  const options = { timezone: "UTC", thresholds: [0.5, 1], unknownPrice: 1n, unseenTokens: 0 };
  const outputs = { defaultMaxOutputTokens: 4_096, clampOutputTokens: true, fitOutputTokens: () => true };
  expect(budgets({ ...outputs, budgets: [rule, { scope, limit: null }], ...options }).name).toBe("budgets");
});
