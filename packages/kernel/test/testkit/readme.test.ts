import { expect, it } from "vitest";
import { firstExample, runExample } from "../../../../test/readme/readme-example.ts";

it("runs the README's example, and every case in it passes", async () => {
  const { exitCode, stdout, stderr } = await runExample(firstExample("packages/kernel/src/testkit/README.md"));
  expect(stderr).toBe("");
  expect(stdout).toContain("operations: embed, scenario 1");
  expect(stdout).toMatch(/\bfail 0\b/);
  expect(stdout).not.toMatch(/\bpass 0\b/);
  expect(exitCode).toBe(0);
});
