import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { addUsage, formatUsd, IdSource, nearest, parseUsd, Secret } from "@signalbox/kernel";

describe("money", () => {
  it.each([
    ["0", 0n],
    ["1.25", 1_250_000_000n],
    ["-0.5", -500_000_000n],
    ["0.000000001", 1n],
    ["0.0000000001", 1n],
    ["9007199254740993", 9_007_199_254_740_993_000_000_000n],
  ])("reads %s", (text, nano) => {
    expect(parseUsd(text)).toBe(nano);
  });

  it.each(["", "1e3", "1,5", " 1", "0x10", "NaN"])("refuses %j", (text) => {
    expect(() => parseUsd(text)).toThrow(RangeError);
  });

  it("writes no trailing zeros", () => {
    expect(formatUsd(1_250_000_000n)).toBe("1.25");
    expect(formatUsd(-1n)).toBe("-0.000000001");
    expect(formatUsd(0n)).toBe("0");
  });
});

describe("usage", () => {
  it("adds field by field and keeps what only one side knows", () => {
    expect(
      addUsage(
        { inputTokens: 10, outputTokens: 2, cacheReadTokens: 4 },
        { inputTokens: 1, outputTokens: 3, reasoningTokens: 2, reportedCost: 5n },
      ),
    ).toEqual({ inputTokens: 11, outputTokens: 5, cacheReadTokens: 4, reasoningTokens: 2, reportedCost: 5n });
  });
});

describe("ids", () => {
  it("are version 7 UUIDs that sort by time", () => {
    const ids = new IdSource();
    const early = ids.next(1_700_000_000_000);
    const late = ids.next(1_700_000_000_001);
    expect(early).toMatch(/^018bcfe5-6800-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect([late, early].sort()).toEqual([early, late]);
  });

  it("do not repeat across refills of the random pool", () => {
    const ids = new IdSource();
    const made = Array.from({ length: 5_000 }, () => ids.next(1_700_000_000_000));
    expect(new Set(made).size).toBe(5_000);
  });
});

describe("nearest names", () => {
  const names = ["gpt-4o", "gpt-4o-mini", "claude-sonnet", "local-coder"];

  it("finds transposed, missing and wrong letters", () => {
    expect(nearest("gtp-4o", names)[0]).toBe("gpt-4o");
    expect(nearest("claude-sonet", names)[0]).toBe("claude-sonnet");
    expect(nearest("GPT-4O", names)[0]).toBe("gpt-4o");
  });

  it("finds a name that contains the word", () => {
    expect(nearest("sonnet", names)).toEqual(["claude-sonnet"]);
  });

  it("suggests nothing for a stranger", () => {
    expect(nearest("zzzzzzzz", names)).toEqual([]);
  });
});

describe("a secret", () => {
  it("shows only when revealed", () => {
    const secret = new Secret("sk-very-private");
    expect(`${secret}`).toBe("[secret]");
    expect(JSON.stringify({ secret })).toBe('{"secret":"[secret]"}');
    expect(inspect({ secret }, { showHidden: true, depth: 5 })).not.toContain("very-private");
    expect(secret.reveal()).toBe("sk-very-private");
  });
});
