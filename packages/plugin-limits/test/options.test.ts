import { describe, expect, it } from "vitest";
import type { LimitsOptions } from "../src/index.ts";
import { limits } from "../src/index.ts";

describe("options", () => {
  it.each([
    [{ key: {} }, 'limits: there is no option "key". Did you mean "keys" or "keyModels" or "keyHeaders"?', "key"],
    [{ keys: { requestsPerMinutes: 1 } }, "requestsPerMinute", "keys.requestsPerMinutes"],
    [{ keys: { requestsPerMinute: -1 } }, '"keys.requestsPerMinute"', "keys.requestsPerMinute"],
    [{ teams: { parallel: 1.5 } }, '"teams.parallel"', "teams.parallel"],
    [{ models: { gpt: { tokensPerMinute: "1" } } }, '"models.gpt.tokensPerMinute"', "models.gpt.tokensPerMinute"],
    [{ tokens: "all" }, '"tokens"', "tokens"],
    [{ onStoreFailure: "open" }, '"onStoreFailure"', "onStoreFailure"],
    [{ processes: 0 }, '"processes"', "processes"],
    [{ store: {} }, '"store": must be a limit store', "store"],
    [{ rules: [] }, '"rules": must be a function', "rules"],
  ])("%j are refused", (options, message, param) => {
    const refused = () => limits(options as unknown as LimitsOptions);
    expect(refused).toThrow(expect.objectContaining({ code: "option_invalid", source: "limits", param }));
    expect(refused).toThrow(message);
  });
});
