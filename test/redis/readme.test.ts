import { expect, it } from "vitest";
import { examplesOf, runCode } from "../readme/run-source.ts";
import { redisUrl } from "../services/index.ts";

it("the example of the README prints what it says", async () => {
  const [example = ""] = examplesOf("packages/plugin-redis/README.md");
  const { exitCode, stdout, stderr } = await runCode(example, { REDIS_URL: await redisUrl() });
  expect(stderr).toBe("");
  expect(stdout).toBe("call-1 true 1\ncall-2 true 0\ncall-3 false 0\ntrue\n");
  expect(exitCode).toBe(0);
});
