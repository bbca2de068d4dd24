import { describe, expect, it } from "vitest";
import type { Guardrail } from "@signalbox/kernel";
import { testGuardrail } from "@signalbox/kernel/testkit";
import type { GuardrailOptions } from "../src/index.ts";
import { guardrails } from "../src/index.ts";

async function one(options: GuardrailOptions): Promise<Guardrail> {
  const { guardrails: list = [] } = await guardrails([options]);
  return list[0] as Guardrail;
}

const user = (text: string) => [{ role: "user" as const, content: [{ type: "text" as const, text }] }];
const runner = { describe, it };

const personal = await one({ type: "personal", name: "pii", action: "mask" });
describe("personal data, masked", () => {
  testGuardrail({
    runner,
    guardrail: () => personal,
    masked: [
      { text: "I am ada@example.com, call +49 30 901820.", released: "I am [EMAIL], call [PHONE]." },
      {
        text: '{"to":"ada@example.com","card":4111111111111111}',
        released: '{"to":"[EMAIL]","card":"[CARD]"}',
        kind: "arguments",
      },
      { text: "thinking of 192.168.12.7", released: "thinking of [IP]", kind: "reasoning" },
    ],
    requests: [{ messages: user("I am ada@example.com"), expected: user("I am [EMAIL]") }],
    capabilities: { blocks: false, outage: false },
  });
});

const secrets = await one({ type: "secrets", name: "secrets" });
describe("secrets, blocked", () => {
  testGuardrail({
    runner,
    guardrail: () => secrets,
    blocked: [
      { text: "take AKIAIOSFODNN7EXAMPLE and go", secret: "IOSFODNN7", category: "awsKey" },
      {
        text: '{"url":"postgres://app:s3cr3tPw9@db/app"}',
        secret: "s3cr3t",
        category: "connectionString",
        kind: "arguments",
      },
    ],
    requests: [
      { messages: user("password: Xk9#mP2$vL5q"), expected: "blocked" },
      { messages: user("no secret"), expected: user("no secret") },
    ],
    capabilities: { masks: false, outage: false },
  });
});

const patterns = await one({
  type: "patterns",
  name: "patterns",
  action: "mask",
  patterns: [{ pattern: "PRJ-[0-9]+", kind: "project" }],
});
describe("a pattern without a longest match", () => {
  testGuardrail({
    runner,
    guardrail: () => patterns,
    masked: [{ text: "see PRJ-1234567890 now", released: "see [PROJECT] now" }],
    requests: [{ messages: user("PRJ-1"), expected: user("[PROJECT]") }],
    capabilities: { blocks: false, outage: false },
  });

  it("holds the reply back", () => {
    expect(patterns.streaming).toBe("hold");
  });
});

describe("options", () => {
  it.each([
    [[{ type: "secrets", name: "" }], /\[0\]\.name/],
    [[{ type: "secrets", name: "-a" }], /name/],
    [
      [
        { type: "secrets", name: "a" },
        { type: "secrets", name: "a" },
      ],
      /two guardrails are named "a"/,
    ],
    [[{ type: "secret", name: "a" }], /type/],
    [[{ type: "secrets", name: "a", actoin: "mask" }], /actoin/],
    [[{ type: "keywords", name: "a" }], /neither words nor topics/],
    [[{ type: "size", name: "a" }], /has no bound/],
    [[{ type: "secrets", name: "a", reversible: true }], /is reversible, but does not mask/],
    [[{ type: "personal", name: "a", action: "mask", mode: "during" }], /masks, which it cannot do beside the call/],
    [[{ type: "patterns", name: "a", patterns: [{ pattern: "a(" }] }], /"a\(" is no expression of RE2/],
    [[{ type: "patterns", name: "a", patterns: [{ pattern: "a*" }] }], /matches the empty text/],
    [
      [{ type: "tools", name: "a", rules: [{ tool: "x", effect: "deny", arguments: { p: "(?=a)" } }] }],
      /is no expression of RE2/,
    ],
    [[{ type: "injection", name: "a", mode: "after" }], /"after" never runs/],
  ])("refuses %j", async (list, message) => {
    await expect(guardrails(list as never)).rejects.toMatchObject({
      code: "option_invalid",
      message: expect.stringMatching(message),
    });
  });
});
