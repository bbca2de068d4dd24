import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ReplayServer } from "@signalbox/kernel/testkit";
import { replayServer } from "@signalbox/kernel/testkit";
import { chatReply } from "../e2e/scripted-gateway.ts";
import { files } from "../repository/workspace.ts";
import { databaseUrl, redisUrl } from "../services/index.ts";
import { examplesOf, runCode } from "./run-source.ts";

const READMES = [
  "README.md",
  "docs/routing.md",
  ...files("packages/*/README.md"),
  "packages/kernel/src/testkit/README.md",
];

/** What the first example prints, where it does not check itself. */
const PRINTED: Readonly<Record<string, RegExp>> = {
  "README.md": /^\[ { type: 'text', text: 'Hello' } \]\n$/,
  "packages/kernel/README.md": /^\[ { type: 'text', text: 'Polly wants a cracker' } \]\nHi\n$/,
  "packages/plugin-budgets/README.md": /^ann was served\nann was served\nann budget_exceeded\nbob was served\n$/,
  "packages/plugin-fallbacks/README.md": /\ncloud-1 cloud-1 local-1 fallback to "small" after provider_overloaded\n$/,
  "packages/plugin-ledger-postgres/README.md": /^true\n$/,
  "packages/plugin-redis/README.md": /^call-1 true 1\ncall-2 true 0\ncall-3 false 0\ntrue\n$/,
  "packages/kernel/src/testkit/README.md": /operations: embed, scenario 1.*\bpass [1-9]\d*\b.*\bfail 0\b/s,
  "packages/provider-anthropic/README.md": /^hello back 3\n$/,
};

let anthropic: ReplayServer;

beforeAll(async () => {
  anthropic = await replayServer({ body: chatReply("anthropic") });
});
afterAll(() => anthropic.close());

describe.each(READMES)("%s", (readme) => {
  const examples = examplesOf(readme);

  it("has an example", () => expect(examples).not.toHaveLength(0));

  it.each(examples.map((code, index) => [index + 1, code] as const))("example %i runs", async (number, code) => {
    const env = {
      ANTHROPIC_API_KEY: "sk-test-key-123456",
      ANTHROPIC_BASE_URL: anthropic.url,
      DATABASE_URL: await databaseUrl(),
      REDIS_URL: await redisUrl(),
    };
    const { exitCode, stdout, stderr } = await runCode(code, env);
    expect(stderr).toBe("");
    if (number === 1) expect(stdout).toMatch(PRINTED[readme] ?? /^/);
    expect(exitCode).toBe(0);
  });
});
